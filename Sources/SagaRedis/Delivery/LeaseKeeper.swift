import Logging
import Redis
import Saga

/// Keeps what this replica works on, and takes over what others left behind.
///
/// An entry's idle time in its group is its lease. Every third of it, everything held here is
/// claimed again, which resets the idle time and not the count of deliveries; then entries that
/// nobody renewed for a whole lease are claimed and worked on.
struct LeaseKeeper: Sendable {
    private static let renewalMaximum = 256
    private static let takeoverMaximum = 64

    let redis: RedisClient
    let service: String
    let streams: [ConsumedStream]
    let dispatcher: Dispatcher
    let configuration: SagaRuntimeConfiguration
    let logger: Logger

    func run(while isRunning: @Sendable () -> Bool) async {
        while isRunning() {
            guard (try? await Task.sleep(for: configuration.leaseInUse / 3)) != nil else { return }
            guard isRunning() else { return }
            do {
                try await renew()
                for stream in streams.indices { try await takeOver(stream, while: isRunning) }
            } catch {
                logger.warning("leases could not be kept", metadata: ["error": "\(error)"])
            }
        }
    }

    private func renew() async throws(SagaError) {
        let epoch = redis.followEpoch()
        for (stream, ids) in dispatcher.held(in: epoch) {
            for start in stride(from: 0, to: ids.count, by: Self.renewalMaximum) {
                let batch = ids[start..<min(start + Self.renewalMaximum, ids.count)]
                _ = try await redis.write(
                    .xclaim(
                        streams[stream].key, service, configuration.consumerName, idle: .zero,
                        Array(batch), onlyIDs: true), in: epoch)
            }
        }
    }

    private func takeOver(
        _ stream: Int, while isRunning: () -> Bool
    ) async throws(SagaError) {
        let key = streams[stream].key
        var cursor = "0-0"
        repeat {
            let bell = Bell()
            let reserved = dispatcher.reserve(upTo: Self.takeoverMaximum, orRing: bell)
            guard reserved > 0 else { return }
            let claim: RedisStreamClaim
            let epoch = redis.followEpoch()
            do {
                let reply = try await redis.write(
                    .xautoclaim(
                        key, service, configuration.consumerName, idle: configuration.leaseInUse,
                        from: cursor, count: reserved), in: epoch)
                claim = try decoding { () throws(RedisError) in try reply.streamClaim() }
            } catch {
                dispatcher.giveBack(reserved)
                throw error
            }
            cursor = claim.cursor
            await admit(claim, in: epoch, stream: stream, reserved: reserved)
        } while cursor != "0-0" && isRunning()
    }

    private func admit(
        _ claim: RedisStreamClaim, in epoch: RedisEpoch, stream: Int, reserved: Int
    ) async {
        if !claim.deletedIDs.isEmpty {
            logger.error(
                "entries were deleted before they were dealt with",
                metadata: [
                    "stream": "\(streams[stream].key)",
                    "count": .stringConvertible(claim.deletedIDs.count),
                ])
        }
        let deliveries = await DeliveryCounts(redis: redis, group: service)
            .counts(of: claim.entries.map(\.id), in: streams[stream].key)
        let entries = claim.entries.map { entry in
            HeldEntry(
                stream: stream, id: entry.id,
                content: content(entry, deliveries: deliveries[entry.id] ?? 0),
                deliveredBefore: true, epoch: epoch)
        }
        if !entries.isEmpty {
            logger.info(
                "entries taken over",
                metadata: [
                    "stream": "\(streams[stream].key)", "count": .stringConvertible(entries.count),
                ])
        }
        dispatcher.admit(entries)
        dispatcher.giveBack(reserved - entries.count)
    }

    private func content(_ entry: RedisStreamEntry, deliveries: Int) -> HeldEntry.Content {
        let sagaID = entry["correlationid"]
        guard let buffer = entry["data"] else { return EntryParser.missing(sagaID: sagaID) }
        if deliveries > configuration.deliveriesMaximum {
            return EntryParser.tooOften(
                buffer, sagaID: sagaID, deliveries, maximum: configuration.deliveriesMaximum)
        }
        return EntryParser.content(buffer, sagaID: sagaID)
    }
}
