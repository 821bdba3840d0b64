import EventStreams
import Saga
import Timekeeping
import TroupeRedis

/// What has to be done now and then: trimming, cursors, lag, forgetting dead replicas.
///
/// A key that is faulty holds nobody up but itself.
struct Housekeeper: Sendable {
    let redis: RedisClient
    let service: String
    let names: SagaKeys
    let consumed: [ConsumedStream]
    /// Types that the participant emits, whose streams it owns.
    let emitted: [String]
    let group: ConsumerGroup
    let letters: LetterRetention
    let configuration: SagaRuntimeConfiguration

    /// Does all of it once.
    ///
    /// What frees memory comes first: a server that is full refuses to store the cursors.
    ///
    /// - Parameter consumer: the name under which this replica reads.
    func run(as consumer: String) async throws(SagaError) -> HousekeepingReport {
        var report = HousekeepingReport(lags: Array(repeating: nil, count: consumed.count))
        try await trim(&report)
        try await storeCursors(&report)
        for stream in consumed where report.faults[stream.key] == nil {
            do {
                try await forgetConsumers(of: stream.key, but: consumer)
            } catch {
                try report.note(error, of: stream.key)
            }
        }
        return report
    }

    private func storeCursors(_ report: inout HousekeepingReport) async throws(SagaError) {
        let epoch = redis.followEpoch()
        var cursors: [(stream: String, dealtWith: StreamID)] = []
        for (position, stream) in consumed.enumerated() {
            do {
                guard let state = try await group.state(on: stream.key) else { continue }
                cursors.append((stream.key, state.dealtWith))
                report.lags[position] = try await state.unread(on: stream.key, redis: redis)
            } catch {
                try report.note(error, of: stream.key)
            }
        }
        do {
            try await group.store(cursors, in: epoch)
        } catch {
            try report.note(error, of: names.cursor(service))
        }
    }

    // MARK: - Trimming

    /// Drops what is old from the streams that the participant owns.
    ///
    /// Never past an entry that some group has pending or not read: however old it is, it has
    /// not been dealt with.
    private func trim(_ report: inout HousekeepingReport) async throws(SagaError) {
        let epoch = redis.followEpoch()
        let reply = try await redis.read(.time)
        guard let now = try? reply.time() else { return }
        let age = Self.age(configuration.retention, at: now)
        for type in emitted {
            let stream = names.stream(type, owner: service)
            do {
                let groups = try await GroupState.all(of: stream, redis: redis)
                report.forgotten += try await GroupState.forgotten(
                    groups, on: stream, age: age, redis: redis
                ).map { .init(stream: stream, group: $0) }
                let bound = Self.bound(age: age, groups: groups)
                guard bound.milliseconds > 0 else { continue }
                _ = try await redis.write(.xtrim(stream, .from(bound.description)), in: epoch)
            } catch {
                try report.note(error, of: stream)
            }
        }
        do {
            try await letters.drop(
                before: Self.age(configuration.letterLife, at: now), in: epoch)
        } catch {
            try report.note(error, of: names.dead(service))
        }
    }

    private static func age(_ life: Duration, at now: Duration) -> StreamID {
        StreamID(milliseconds: UInt64(max(0, now.milliseconds - life.milliseconds)))
    }

    /// The first entry to keep.
    static func bound(age: StreamID, groups: [GroupState]) -> StreamID {
        groups.reduce(age) { min($0, $1.oldestPending ?? $1.lastDelivered) }
    }

    // MARK: - Replicas

    /// Removes replicas that have been silent for long and have nothing pending.
    ///
    /// Checked and removed in one script: removing a consumer loses what is pending for it.
    private func forgetConsumers(of stream: String, but own: String) async throws(SagaError) {
        let reply: RedisValue
        do {
            reply = try await redis.send(.xinfoConsumers(stream, service))
        } catch {
            if error.code.serverPrefix != nil { return }
            throw SagaError(error)
        }
        for consumer in ConsumerState.all(in: reply)
        where consumer.name != own && consumer.idle > configuration.consumerExpiry {
            let name = consumer.name
            let key = RedisArgument.string(names.consumer(name, service: service))
            let isAlive =
                try await redis.read(
                    RedisCommand("EXISTS", [key], isReadOnly: true)
                ).integer == 1
            guard !isAlive else { continue }
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

extension HousekeepingReport {
    /// Keeps what went wrong with one key; throws on what concerns them all.
    fileprivate mutating func note(_ error: SagaError, of key: String) throws(SagaError) {
        guard error.concernsOneKey else { throw error }
        faults[key] = error
    }
}

extension SagaRuntimeConfiguration {
    /// How long a dead letter is kept that no saga waits for: until its saga's ledger may be
    /// gone, less a day, as without it nothing could be told from the event.
    fileprivate var letterLife: Duration {
        max(retention, ledgerTimeToLive - .seconds(86_400))
    }
}
