import Redis
import Saga

/// What has to be done now and then: cursors, lag, trimming, forgetting dead replicas.
struct Housekeeper: Sendable {
    let redis: RedisClient
    let service: String
    let names: SagaKeys
    let consumed: [ConsumedStream]
    /// Types that the participant emits, whose streams it owns.
    let emitted: [String]
    let group: ConsumerGroup
    let configuration: SagaRuntimeConfiguration

    /// Does all of it once, and returns the lag of each stream consumed.
    func run() async throws(SagaError) -> [Int?] {
        let lags = try await group.storeCursors(of: consumed)
        try await trim()
        for stream in consumed { try await forgetConsumers(of: stream.key) }
        return lags
    }

    /// Drops what is old from the streams that the participant owns.
    ///
    /// Never past an entry that some group has pending or not read: however old it is, it has
    /// not been dealt with.
    private func trim() async throws(SagaError) {
        let epoch = redis.followEpoch()
        let time = try await redis.read(RedisCommand("TIME", [], isReadOnly: true))
        guard let seconds = time[0]?.integer else { return }
        let age = UInt64(max(0, seconds * 1000 - configuration.retention.milliseconds))
        for type in emitted {
            let stream = names.stream(type, owner: service)
            let groups = try await GroupState.all(of: stream, redis: redis)
            let bound = Self.bound(age: StreamID(milliseconds: age), groups: groups)
            guard bound.milliseconds > 0 else { continue }
            _ = try await redis.write(.xtrim(stream, .from(bound.description)), in: epoch)
        }
    }

    /// The first entry to keep.
    static func bound(age: StreamID, groups: [GroupState]) -> StreamID {
        groups.reduce(age) { min($0, $1.oldestPending ?? $1.lastDelivered) }
    }

    /// Removes replicas that have been silent for long and have nothing pending.
    ///
    /// Checked and removed in one script: removing a consumer loses what is pending for it.
    private func forgetConsumers(of stream: String) async throws(SagaError) {
        let reply: RedisValue
        do {
            reply = try await redis.send(.xinfoConsumers(stream, service))
        } catch {
            if error.code.serverPrefix != nil { return }
            throw SagaError(error)
        }
        guard let consumers = reply.array else { return }
        for consumer in consumers {
            guard let facts = consumer.array, facts.count >= 6, let name = facts[1].string,
                let idle = facts[5].integer, name != configuration.consumerName,
                idle > configuration.consumerExpiry.milliseconds
            else { continue }
            do {
                _ = try await redis.evaluate(
                    Self.forget, keys: [stream], arguments: [.string(service), .string(name)])
            } catch {
                throw SagaError(error)
            }
        }
    }

    private static let forget = RedisScript(
        """
        local pending = redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[2])
        if #pending > 0 then return 0 end
        redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
        return 1
        """)
}
