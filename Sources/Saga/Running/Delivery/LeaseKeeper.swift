import Logging

/// Keeps what this replica works on, and takes over what others left behind.
///
/// Every third of a lease, everything held here is renewed; then entries that nobody renewed for
/// a whole lease are taken over and worked on.
struct LeaseKeeper: Sendable {
    private static let renewalMaximum = 256
    private static let takeoverMaximum = 64

    let transport: any EventTransport
    let dispatcher: Dispatcher
    let readers: [StreamReader]
    let pause: Pause
    let lease: Duration
    let clock: any SagaClock
    let health: RuntimeHealth
    let logger: Logger

    func run(while isRunning: @Sendable () -> Bool) async {
        while isRunning() {
            guard (try? await clock.sleep(for: lease / 3)) != nil else { return }
            guard isRunning() else { return }
            await keep(while: isRunning)
        }
    }

    /// Renews and takes over in each stream, whatever is wrong with another.
    private func keep(while isRunning: @Sendable () -> Bool) async {
        let epoch = transport.epoch()
        for (stream, ids) in dispatcher.held(in: epoch).sorted(by: { $0.key < $1.key }) {
            do {
                try await renew(ids, of: stream, in: epoch)
            } catch {
                warn(of: error, stream)
                if !error.concernsOneKey { return }
            }
        }
        if PlantedFault.isPlanted(.nobodyTakesOver) { return }
        for stream in transport.streams.indices where isRunning() && !pause.isOn {
            do {
                try await takeOver(stream, while: isRunning)
            } catch {
                warn(of: error, stream)
                if !error.concernsOneKey { return }
            }
        }
    }

    private func warn(of error: SagaError, _ stream: Int) {
        let key = transport.streams[stream].key
        guard health.isNews("leases \(key)") else { return }
        logger.warning(
            "leases could not be kept", metadata: ["stream": "\(key)", "error": "\(error)"])
    }

    private func renew(
        _ ids: [String], of stream: Int, in epoch: StoreEpoch
    ) async throws(SagaError) {
        for start in stride(from: 0, to: ids.count, by: Self.renewalMaximum) {
            let batch = ids[start..<min(start + Self.renewalMaximum, ids.count)]
            try await transport.renew(EntryBatch(stream: stream, ids: Array(batch)), in: epoch)
        }
    }

    /// Has what nobody renewed made pending for this replica, and has its reader fetch it.
    private func takeOver(
        _ stream: Int, while isRunning: () -> Bool
    ) async throws(SagaError) {
        var cursor = "0-0"
        repeat {
            let reserved = dispatcher.reserve(upTo: Self.takeoverMaximum, orRing: Bell())
            guard reserved > 0 else { return }
            defer { dispatcher.giveBack(reserved) }
            let taken = try await transport.takeOver(
                stream, from: cursor, count: reserved, in: transport.epoch())
            cursor = taken.cursor
            tell(of: taken, stream)
        } while cursor != "0-0" && isRunning()
    }

    private func tell(of taken: Takeover, _ stream: Int) {
        let key = transport.streams[stream].key
        if taken.goneCount > 0 {
            logger.error(
                "entries were deleted before they were dealt with",
                metadata: ["stream": "\(key)", "count": .stringConvertible(taken.goneCount)])
        }
        guard taken.count > 0 else { return }
        logger.info(
            "entries taken over",
            metadata: ["stream": "\(key)", "count": .stringConvertible(taken.count)])
        readers.first { $0.indices.contains(stream) }?.fetchPending(of: stream)
    }
}
