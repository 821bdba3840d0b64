import CloudEvents
import Logging
import NIOCore
import Redis
import Saga

/// Reads the streams of one owner for one participant.
///
///     doorbell ──▶ bell ──▶ reserve slots ──▶ XREADGROUP ──▶ dispatcher
///     ticker ─────▶ ▲            │ none free
///     slot freed ───┴────────────┘
///
/// While reads return entries nobody waits for the bell. A lost doorbell is made up for by the
/// ticker; a lost reply, and the life before a restart, by reading what is pending for this
/// consumer first. What is read there and still held here is recognised and dropped.
final class StreamReader: Sendable {
    /// Entries of one read; more would keep the server from others for too long.
    private static let batchMaximum = 256

    let owner: String
    /// Positions of the streams among those consumed.
    let indices: Range<Int>
    let bell = Bell()

    private let streams: [ConsumedStream]
    private let positions: [String: Int]
    private let redis: RedisClient
    private let group: ConsumerGroup
    private let dispatcher: Dispatcher
    private let epochs: EpochWatch
    private let ledgers: LedgerReader
    private let looks: Bool
    private let configuration: SagaRuntimeConfiguration
    private let health: RuntimeHealth
    private let logger: Logger

    init(
        owner: String, streams: [ConsumedStream], redis: RedisClient, group: ConsumerGroup,
        ledgers: LedgerReader, dispatcher: Dispatcher, epochs: EpochWatch,
        configuration: SagaRuntimeConfiguration, health: RuntimeHealth, logger: Logger
    ) {
        let first = streams.firstIndex { $0.owner == owner } ?? 0
        indices = first..<first + streams.count { $0.owner == owner }
        positions = Dictionary(uniqueKeysWithValues: indices.map { (streams[$0].key, $0) })
        self.owner = owner
        self.streams = streams
        self.redis = redis
        self.group = group
        self.dispatcher = dispatcher
        self.epochs = epochs
        self.ledgers = ledgers
        looks = streams[indices].contains { !$0.stepsActingOutside.isEmpty }
        self.configuration = configuration
        self.health = health
        self.logger = logger
    }

    /// Listens to the channels of the owner's events, and takes each message for a ring.
    func listen(while isRunning: @Sendable () -> Bool) async {
        let channels = streams[indices].map(\.channel)
        while isRunning() {
            for await event in redis.subscribe(channels: channels, buffer: .doorbell) {
                if case .interrupted = event { continue }
                bell.ring()
                if !isRunning() { return }
            }
            try? await Task.sleep(for: .milliseconds(100))
        }
    }

    /// Reads until told to stop.
    func run(while isRunning: @Sendable () -> Bool) async {
        var failures = 0
        var readsPending = true
        var epoch = epochs.follow()
        while isRunning() {
            let present = epochs.follow()
            if present != epoch {
                epoch = present
                readsPending = true
            }
            do {
                if readsPending {
                    try await readPending(in: epoch, while: isRunning)
                    readsPending = false
                }
                let count = try await readNew(in: epoch)
                health.reading(owner, nil)
                if count == 0 { await bell.awaitRing() }
                failures = 0
            } catch {
                failures += 1
                if error.code != .stopped { health.reading(owner, error) }
                readsPending = true
                await recover(from: error, failures: failures)
            }
        }
    }

    /// Nothing is known about what the failed read did, so what is pending is read next.
    private func recover(from error: SagaError, failures: Int) async {
        let reason = (error.cause as? RedisError)?.code
        // The client itself says that the connection is lost, once and not for every owner.
        let isNews = failures == 1 && reason != .connectionLost && reason != .epochOver
        logger.log(
            level: isNews ? .warning : .debug, "reading streams failed",
            metadata: [
                "owner": "\(owner)", "error": "\(error)", "failures": .stringConvertible(failures),
            ])
        let isMissingGroup = reason == .server("NOGROUP")
        if isMissingGroup, (try? await group.ensure(on: Array(streams[indices]))) != nil,
            failures == 1
        {
            return
        }
        let pause = RetrySchedule(
            pauseMinimum: .milliseconds(20), pauseMaximum: .milliseconds(800)
        ).pause(after: failures, random: Double.random(in: 0...1))
        try? await Task.sleep(for: pause)
    }

    // MARK: - Reading

    /// Reads what nobody had yet and answers how many entries came.
    private func readNew(in epoch: RedisEpoch) async throws(SagaError) -> Int {
        let reserved = dispatcher.reserve(upTo: Self.batchMaximum, orRing: bell)
        guard reserved > 0 else { return 0 }
        // COUNT is per stream. With fewer slots than streams some streams have to wait.
        let chosen =
            reserved < indices.count
            ? indices.shuffled().prefix(reserved).sorted() : Array(indices)
        let reply: RedisValue
        do {
            reply = try await redis.write(
                .xreadGroup(
                    group.service, configuration.consumerName,
                    chosen.map { (streams[$0].key, ">") }, count: reserved / chosen.count),
                in: epoch)
        } catch {
            dispatcher.giveBack(reserved)
            throw error
        }
        return await admit(reply, deliveredBefore: false, epoch, reserved: reserved).count
    }

    /// Reads what was delivered to this consumer before and never acknowledged.
    private func readPending(
        in epoch: RedisEpoch, while isRunning: () -> Bool
    ) async throws(SagaError) {
        var after = Dictionary(uniqueKeysWithValues: indices.map { ($0, "0") })
        while !after.isEmpty, isRunning() {
            let reserved = dispatcher.reserve(upTo: Self.batchMaximum, orRing: bell)
            guard reserved >= after.count else {
                dispatcher.giveBack(reserved)
                await bell.awaitRing()
                continue
            }
            let reply: RedisValue
            do {
                reply = try await redis.write(
                    .xreadGroup(
                        group.service, configuration.consumerName,
                        after.sorted { $0.key < $1.key }.map { (streams[$0.key].key, $0.value) },
                        count: reserved / after.count), in: epoch)
            } catch {
                dispatcher.giveBack(reserved)
                throw error
            }
            let counts = await deliveries(of: reply)
            after = await admit(
                reply, deliveredBefore: true, epoch, counts: counts, reserved: reserved)
        }
    }

    private func deliveries(of reply: RedisValue) async -> [Int: [String: Int]] {
        var counts: [Int: [String: Int]] = [:]
        let known = DeliveryCounts(redis: redis, group: group.service)
        for pair in reply.array.map(Array.init) ?? [] {
            guard let key = pair[0]?.string, let stream = positions[key] else { continue }
            let ids = pair[1]?.array?.compactMap { $0[0]?.string } ?? []
            counts[stream] = await known.counts(of: ids, in: key)
        }
        return counts
    }

    /// Hands a reply's entries over and answers the last ID of each stream that had some.
    @discardableResult
    private func admit(
        _ reply: RedisValue, deliveredBefore: Bool, _ epoch: RedisEpoch,
        counts: [Int: [String: Int]] = [:], reserved: Int
    ) async -> [Int: String] {
        var entries: [HeldEntry] = []
        var last: [Int: String] = [:]
        var gone: [Int: [String]] = [:]
        reply.array?.forEach { pair in
            guard let key = pair[0]?.string, let stream = positions[key] else { return }
            pair[1]?.array?.forEach { entry in
                guard let id = entry[0]?.string else { return }
                last[stream] = id
                guard let fields = entry[1]?.array else {
                    gone[stream, default: []].append(id)
                    return
                }
                let deliveries = counts[stream]?[id] ?? 1
                entries.append(
                    deliveries > configuration.deliveriesMaximum
                        ? HeldEntry(
                            stream: stream, id: id,
                            content: EntryParser.tooOften(
                                EntryParser.event(in: fields),
                                sagaID: EntryParser.saga(in: fields),
                                deliveries, maximum: configuration.deliveriesMaximum),
                            deliveredBefore: true, epoch: epoch)
                        : EntryParser.entry(
                            fields, id: id, stream: stream, deliveredBefore: deliveredBefore,
                            epoch: epoch))
            }
        }
        if looks { await ledgers.look(at: entries) }
        dispatcher.admit(entries)
        dispatcher.giveBack(reserved - entries.count)
        if !gone.isEmpty { forget(gone, epoch) }
        return last
    }

    /// Acknowledges entries that were pending but were trimmed or deleted meanwhile.
    private func forget(_ gone: [Int: [String]], _ epoch: RedisEpoch) {
        for (stream, ids) in gone {
            logger.error(
                "entries were deleted before they were dealt with",
                metadata: [
                    "stream": "\(streams[stream].key)", "count": .stringConvertible(ids.count),
                ])
        }
        let commands = gone.map { RedisCommand.xack(streams[$0.key].key, group.service, $0.value) }
        Task { _ = try? await redis.send(batch: commands, in: epoch) }
    }
}
