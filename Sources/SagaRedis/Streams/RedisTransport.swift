import EventStreams
import Logging
import Saga
import Synchronization
import TroupeRedis

/// Redis streams, each with a group of one participant's name, and channels as doorbells.
///
///     XADD, PUBLISH ─▶ stream, channel      by transitions
///     XREADGROUP    ─▶ pending for this consumer ─XACK─▶ dealt with
///     XPENDING, XCLAIM ─▶ what the dead held is pending for this consumer now
///     a script      ─▶ what is pending for this consumer, as much as may be read at once
///
/// What may be large comes over a connection of its own, so that nothing else waits for it or
/// fails with it.
final class RedisTransport: EventTransport {
    let streams: [ConsumedStream]
    let redis: RedisClient
    private let branch: RedisBranch
    private let names: SagaKeys
    private let group: ConsumerGroup
    private let positions: [String: Int]
    private let configuration: SagaRuntimeConfiguration
    private let housekeeper: Housekeeper
    private let epochs: EpochCheck
    private let looks: ProgressLook
    private let consumers: ConsumerNames
    private let name: Mutex<String>
    /// Up to where entries of a stream may have been delivered before its group was made again.
    private let again = Mutex<[Int: StreamID]>([:])
    private let logger: Logger

    init(
        _ plan: ParticipantPlan, emitted: [String], redis: RedisClient, names: SagaKeys,
        configuration: SagaRuntimeConfiguration, epochs: EpochCheck? = nil, logger: Logger
    ) {
        self.epochs = epochs ?? EpochCheck(redis)
        let streams = ConsumedStream.all(of: plan) { names.stream($0.type, owner: $0.owner) }
        self.streams = streams
        positions = Dictionary(
            uniqueKeysWithValues: zip(streams.map(\.key), streams.indices))
        self.redis = redis
        branch = redis.branch(
            replyBytesMaximum: configuration.readBytesMaximum + Self.namesBytes)
        self.names = names
        self.configuration = configuration
        self.logger = logger
        looks = ProgressLook(redis)
        group = ConsumerGroup(redis: redis, service: plan.name, names: names, logger: logger)
        consumers = ConsumerNames(redis: redis, service: plan.name, names: names)
        name = Mutex(configuration.consumerName)
        housekeeper = Housekeeper(
            redis: redis, service: plan.name, names: names, consumed: streams, emitted: emitted,
            group: group,
            letters: LetterRetention(
                redis: redis, names: names, service: plan.name, naming: plan.naming),
            configuration: configuration)
    }

    var executor: (any TaskExecutor)? { redis.executor }

    /// Reading events is work for another core; only their answers belong on the loop.
    var readingExecutor: (any TaskExecutor)? { globalConcurrentExecutor }

    func name(ofOwn type: String) -> String { names.stream(type, owner: group.service) }

    // MARK: - Epochs

    func time(ofEntry id: String) -> Int64? {
        StreamID(id).map { Int64(clamping: $0.milliseconds) }
    }

    func epoch() -> StoreEpoch { StoreEpoch(redis.followEpoch()) }

    func checkEpoch() async { await epochs.run() }

    func isPaused() async -> Bool? {
        let command = RedisCommand(
            "EXISTS", [.string(names.paused(group.service))], isReadOnly: true)
        return try? await redis.send(command).integer == 1
    }

    // MARK: - Names

    var consumer: String { name.withLock { $0 } }

    func claim(
        _ name: String, _ token: String, for life: Duration
    ) async throws(SagaError) -> Bool {
        guard try await consumers.claim(name, token, for: life) else { return false }
        self.name.withLock { $0 = name }
        return true
    }

    func renew(_ token: String, for life: Duration) async throws(SagaError) -> Bool {
        try await consumers.renew(consumer, token, for: life)
    }

    func release(_ token: String) async throws(SagaError) {
        try await consumers.release(consumer, token)
    }

    func consumers() async throws(SagaError) -> [ConsumerSighting] {
        try await consumers.all(in: streams, but: consumer)
    }

    func mark(_ text: String, _ token: String) async throws(SagaError) -> Bool {
        try await consumers.mark(text, of: consumer, token)
    }

    func mark(of name: String) async throws(SagaError) -> String {
        try await consumers.mark(of: name)
    }

    func takeMark(
        of name: String, holding text: String, leaving own: String, _ token: String
    ) async throws(SagaError) -> Bool {
        try await consumers.takeMark(of: name, holding: text, leaving: own, to: consumer, token)
    }

    // MARK: - Groups

    func prepare() async throws(SagaError) {
        try await ServerVersion.check(redis)
        do {
            note(try await group.ensure(on: streams))
        } catch {
            // The key of one stream is something else, which reading it will tell of.
            guard (error.cause as? RedisError)?.code == .server("WRONGTYPE") else { throw error }
        }
    }

    func recover(
        from error: SagaError, of owner: String, _ streams: [Int], failures: Int
    ) async -> Bool {
        let reason = (error.cause as? RedisError)?.code
        // The client itself says that the connection is lost, once and not for every owner.
        let isNews = failures == 1 && reason != .connectionLost && reason != .epochOver
        logger.log(
            level: isNews ? .warning : .debug, "reading streams failed",
            metadata: [
                "owner": "\(owner)", "error": "\(error)", "failures": .stringConvertible(failures),
            ])
        guard reason == .server("NOGROUP") else { return false }
        guard let found = try? await group.ensure(on: streams.map { self.streams[$0] }) else {
            return false
        }
        note(found)
        return true
    }

    private func note(_ found: [String: StreamID]) {
        again.withLock { again in
            for (key, end) in found {
                if let stream = positions[key] { again[stream] = end }
            }
        }
    }

    /// Whether an entry that nobody had yet in this group may have been delivered all the same.
    private func mayBeOld(_ id: String, _ end: StreamID?) -> Bool {
        guard let end, let id = StreamID(id) else { return false }
        return id <= end
    }

    func progress(
        of participant: String, in kind: EventKind
    ) async throws(SagaError) -> GroupProgress {
        try await looks.progress(
            of: participant, in: names.stream(kind.type, owner: kind.owner))
    }

    func keepHouse() async throws(SagaError) -> HousekeepingReport {
        try await housekeeper.run(as: consumer)
    }

    // MARK: - Reading

    /// What IDs, keys and names of fields may add to what a read brings.
    private static let namesBytes = 256 * 1024

    func read(
        _ streams: [Int], count: Int, in epoch: StoreEpoch
    ) async throws(SagaError) -> Reading {
        let reply = try await reading { () throws(RedisError) in
            try await branch.send(
                .xreadGroup(
                    group.service, consumer,
                    streams.map { (self.streams[$0].key, ">") }, count: count),
                in: RedisEpoch(epoch))
        }
        return reading(reply, epoch)
    }

    func pending(
        _ stream: Int, after: String, idle: Duration, count: Int, in epoch: StoreEpoch
    ) async throws(SagaError) -> [String] {
        try await pending(
            stream, of: consumer, after: after, idle: idle, count: count, in: epoch)
    }

    private func pending(
        _ stream: Int, of consumer: String, after: String = "0", idle: Duration, count: Int,
        in epoch: StoreEpoch
    ) async throws(SagaError) -> [String] {
        let reply = try await redis.write(
            .xpending(
                streams[stream].key, group.service, idle: idle > .zero ? idle : nil,
                from: "(" + after, count: count, consumer: consumer), in: RedisEpoch(epoch))
        return try decoding { () throws(RedisError) in try reply.pendingEntries().map(\.id) }
    }

    func fetch(
        _ stream: Int, _ ids: [String], _ portion: ReadPlan.Portion, in epoch: StoreEpoch
    ) async throws(SagaError) -> Reading {
        let script = FetchScript(
            stream: streams[stream].key, group: group.service,
            consumer: consumer)
        let found = try await reading { () throws(RedisError) in
            try await script.fetch(ids, portion, over: branch, in: RedisEpoch(epoch))
        }
        var reading = Reading()
        var gone = EntryBatch(stream: stream, ids: [])
        reading.last[stream] = found.last?.id
        for one in found {
            switch one.finding {
            case .anothers: break
            case .gone: gone.ids.append(one.id)
            case .tooLarge(let bytes, let sagaID):
                reading.entries.append(
                    .tooLarge(
                        stream: stream, id: one.id, bytes: bytes, sagaID: sagaID, epoch: epoch))
            case .entry(let fields):
                reading.entries.append(held(fields, stream, one.id, deliveredBefore: true, epoch))
            }
        }
        if !gone.ids.isEmpty { reading.gone.append(gone) }
        return reading
    }

    /// Says of a reply that was too large, or did not come in time, that it was too much.
    private func reading<Value>(
        _ call: () async throws(RedisError) -> Value
    ) async throws(SagaError) -> Value {
        do {
            return try await call()
        } catch {
            guard error.isTooMuch else { throw SagaError(error) }
            throw SagaError(
                .tooLarge, "a read is too large, or takes too long", retry: .later, cause: error)
        }
    }

    private func reading(_ reply: RedisValue, _ epoch: StoreEpoch) -> Reading {
        var reading = Reading()
        reply.array?.forEach { pair in
            guard let key = pair[0]?.string, let stream = positions[key] else { return }
            var gone = EntryBatch(stream: stream, ids: [])
            let end = again.withLock { $0[stream] }
            pair[1]?.array?.forEach { entry in
                guard let id = entry[0]?.string else { return }
                reading.last[stream] = id
                guard let fields = entry[1]?.array else {
                    gone.ids.append(id)
                    return
                }
                reading.entries.append(
                    held(fields, stream, id, deliveredBefore: mayBeOld(id, end), epoch))
            }
            if !gone.ids.isEmpty { reading.gone.append(gone) }
        }
        return reading
    }

    private func held(
        _ fields: RedisArray, _ stream: Int, _ id: String, deliveredBefore: Bool,
        _ epoch: StoreEpoch
    ) -> HeldEntry {
        HeldEntry(
            stream: stream, id: id,
            content: EntryParser.content(
                EntryParser.event(in: fields), sagaID: EntryParser.saga(in: fields)),
            deliveredBefore: deliveredBefore, epoch: epoch, size: EntryParser.size(of: fields))
    }

    // MARK: - Ending and keeping

    func acknowledge(_ batches: [EntryBatch], in epoch: StoreEpoch) async -> [SagaError?] {
        let commands = batches.map {
            RedisCommand.xack(streams[$0.stream].key, group.service, $0.ids)
        }
        do {
            return try await redis.send(batch: commands, in: RedisEpoch(epoch)).map { result in
                if case .failure(let error) = result { Self.sagaError(error) } else { nil }
            }
        } catch {
            return Array(repeating: Self.sagaError(error), count: batches.count)
        }
    }

    /// A call that was cancelled is as little an answer as one that was lost.
    private static func sagaError(_ error: RedisError) -> SagaError {
        var result = SagaError(error)
        result.retry = error.retry != .never || error.code == .cancelled ? .later : .never
        return result
    }

    func renew(_ batch: EntryBatch, in epoch: StoreEpoch) async throws(SagaError) {
        _ = try await redis.write(
            .xclaim(
                streams[batch.stream].key, group.service, consumer, idle: .zero,
                batch.ids, onlyIDs: true), in: RedisEpoch(epoch))
    }

    func takeOver(
        _ stream: Int, from consumer: String, idle: Duration, count: Int, in epoch: StoreEpoch
    ) async throws(SagaError) -> Takeover {
        var taken = Takeover()
        let ids = try await pending(stream, of: consumer, idle: idle, count: count, in: epoch)
        guard !ids.isEmpty else { return taken }
        // Of two who claim the same, the second finds that it is not idle any more.
        let reply = try await redis.write(
            .xclaim(
                streams[stream].key, group.service, self.consumer, idle: idle, ids, onlyIDs: true),
            in: RedisEpoch(epoch))
        let claimed = Set(reply.array?.compactMap(\.string) ?? [])
        taken.count = claimed.count
        taken.goneCount = try await goneCount(of: ids.filter { !claimed.contains($0) }, stream)
        return taken
    }

    /// How many of some entries are pending for nobody: claiming what was deleted ends that.
    private func goneCount(of ids: [String], _ stream: Int) async throws(SagaError) -> Int {
        guard !ids.isEmpty else { return 0 }
        let key = streams[stream].key
        let commands = ids.map {
            RedisCommand.xpending(key, group.service, from: $0, to: $0, count: 1)
        }
        do {
            return try await redis.send(batch: commands).count { reply in
                (try? reply.get().array?.isEmpty) == true
            }
        } catch {
            throw SagaError(error)
        }
    }

    // MARK: - Listening

    func listen(to streams: [Int], ring: @escaping @Sendable () -> Void) async {
        let channels = streams.map { names.channel(self.streams[$0].type) }
        for await event in redis.subscribe(channels: channels, buffer: .doorbell) {
            if case .interrupted = event { continue }
            ring()
        }
    }

    func listen(
        toOwn types: [String], hear: @escaping @Sendable (Announcement) -> Void
    ) async {
        let byChannel = Dictionary(
            types.map { (names.channel($0), $0) }, uniquingKeysWith: { first, _ in first })
        for await event in redis.subscribe(channels: Array(byChannel.keys)) {
            switch event {
            case .active: hear(.active)
            case .interrupted: break
            case .message(let message):
                guard let type = byChannel[message.channel] else { continue }
                hear(.event(type: type) { try? EntryParser.event(message.payload) })
            }
        }
    }
}

extension StoreEpoch {
    init(_ epoch: RedisEpoch) {
        self.init(epoch.number)
    }
}
