import CloudEvents
public import Gateway
public import Logging
import Metrics
import NIOCore
public import Redis
public import ServiceLifecycle
import Synchronization

// How changes reach the cache:
//
//   saga.<EventType> ─────── message ──▶ tags ──▶ cache.take ──▶ bell ──▶ cache.settle
//   cache.invalidate ─────── others' own writes ──▶ as above        raises, in batches, again
//   cache.heartbeat.<id> ─── own fence: all published before it has come
//   saga:{<service>}:<EventType> ─── what was missed, from where group `gateway` stands
//
// The group is a position and nothing more: up to there every event has been raised by someone.
// Nobody reads through it, so it has no consumers and no pending entries. It moves when a fence
// comes back: the streams' ends are read, the fence is published, and when it has come and all
// raises are settled, everything up to those ends is dealt with.

/// The settings of an invalidation feed.
public struct InvalidationFeedConfiguration: Sendable {
    /// What stands before every key and channel.
    public var namespace: String
    /// How often the feed sends itself a message.
    public var heartbeat: Duration = .seconds(1)
    /// How long none of them may come back before the cache is not used.
    public var silence: Duration = .seconds(3)
    /// After how many heartbeats the position in the streams is stored.
    public var beatsPerPosition = 5
    /// Events read again after an absence, at most; with more, all entries are made invalid.
    public var replayLimit = 10_000
    /// Messages that may wait; with more, the streams are read instead.
    public var messageLimit = 16_384

    /// The defaults, for one namespace.
    public init(namespace: String = "") {
        self.namespace = namespace
    }
}

/// Takes answers out of a cache when events say that they are old.
///
/// The cache is suspended when the feed is made, and used while the feed runs and misses nothing.
public final class InvalidationFeed: Service {
    private struct State {
        var feed = FeedState()
        var lastEcho = ContinuousClock.now
        var lastEchoed = 0
        var lastSent = 0
    }

    private let cache: ResponseCache
    private let redis: RedisClient
    private let configuration: InvalidationFeedConfiguration
    private let keys: CacheKeys
    private let rules: EventRules
    private let replay: StreamReplay
    private let metrics: FeedMetrics
    private let logger: Logger
    private let heartbeatChannel: String
    private let state = Mutex(State())
    private let bell = Bell()

    /// A feed for one cache.
    ///
    /// Suspends the cache until `run` has caught up.
    ///
    /// - Parameters:
    ///   - redis: where events are published and kept.
    ///   - rules: which events take what away.
    public init(
        cache: ResponseCache, redis: RedisClient, rules: [InvalidationRule],
        configuration: InvalidationFeedConfiguration, logger: Logger
    ) {
        self.cache = cache
        self.redis = redis
        self.configuration = configuration
        self.rules = EventRules(rules)
        self.logger = logger
        keys = CacheKeys(namespace: configuration.namespace)
        replay = StreamReplay(
            redis: redis, keys: keys, rules: self.rules, limit: configuration.replayLimit)
        metrics = FeedMetrics(events: self.rules.sources.map(\.event))
        heartbeatChannel = keys.heartbeat(UUIDv7.next())
        cache.suspend()
    }

    /// Whether the cache is in use.
    public var isLive: Bool { state.withLock { $0.feed.isLive } }

    /// Runs until its task is cancelled or the service group shuts down.
    public func run() async throws {
        let channels = rules.sources.map { keys.channel($0.event) }
        let subscription = redis.subscribe(
            channels: channels + [keys.announcements, heartbeatChannel],
            buffer: .bounded(configuration.messageLimit))
        await withDiscardingTaskGroup { group in
            group.addTask { await self.settleRaises() }
            group.addTask { await self.beat() }
            for await event in subscription.cancelOnGracefulShutdown() {
                if let round = take(event) {
                    group.addTask { await self.catchUp(round) }
                }
            }
            group.cancelAll()
        }
        // Without a word, as this is what whoever stops it wants.
        state.withLock {
            _ = $0.feed.interrupted()
            cache.suspend()
        }
    }

    // MARK: - What comes on the subscription

    /// Takes an event; returns the round whose missed events are to be read, if so.
    private func take(_ event: RedisSubscriptionEvent) -> Int? {
        switch event {
        case .active:
            return state.withLock { perform($0.feed.active()) }
        case .interrupted:
            return state.withLock { perform($0.feed.interrupted()) }
        case .message(let message):
            return take(message)
        }
    }

    private func take(_ message: RedisMessage) -> Int? {
        if message.channel == heartbeatChannel {
            return state.withLock { state in
                state.lastEcho = .now
                state.lastEchoed = Int(String(buffer: message.payload)) ?? state.lastEchoed
                return perform(state.feed.echoed())
            }
        }
        if message.channel == keys.announcements {
            guard let invalidation = Announcement.read(message.payload) else {
                metrics.unreadable.increment()
                return nil
            }
            cache.take([invalidation])
            metrics.announced.increment()
        } else {
            takeEvent(message.payload)
        }
        bell.ring()
        return nil
    }

    private func takeEvent(_ payload: ByteBuffer) {
        guard let event = try? CloudEvent(json: Array(payload.readableBytesView)) else {
            metrics.unreadable.increment()
            logger.debug("invalidation: a message is no event")
            return
        }
        guard let invalidation = rules.invalidation(of: event) else { return }
        cache.take([invalidation])
        metrics.took(event)
    }

    /// Does what the state says, under its lock, so that no later decision comes before it.
    private func perform(_ action: FeedState.Action) -> Int? {
        switch action {
        case .none:
            return nil
        case .suspend:
            cache.suspend()
            logger.notice("invalidation: interrupted, the cache is not used")
            return nil
        case .catchUp(let round):
            return round
        case .suspendAndCatchUp(let round):
            cache.suspend()
            return round
        case .resume:
            cache.resume()
            logger.info("invalidation: caught up, the cache is in use")
            return nil
        }
    }

    // MARK: - Side by side with it

    /// Reads what was missed, until that succeeds or the subscription has a gap again.
    private func catchUp(_ round: Int) async {
        var wait = Duration.milliseconds(20)
        while !Task.isCancelled, state.withLock({ $0.feed.round == round }) {
            do {
                let missed = try await replay.missed { cache.take([$0]) }
                if missed.isTooMuch { cache.makeAllInvalid() }
                bell.ring()
                // What is not raised yet is not believed either, so the cache can be used.
                state.withLock { state in
                    state.lastEcho = .now
                    _ = perform(state.feed.caughtUp(round: round))
                }
                if await cache.settle() { try await replay.store(missed.positions) }
                return
            } catch {
                logger.debug("invalidation: cannot catch up", metadata: ["error": "\(error)"])
                try? await Task.sleep(for: wait)
                wait = min(wait * 2, .seconds(1))
            }
        }
    }

    /// Raises what was taken, as soon as it was, and again where Redis did not answer.
    private func settleRaises() async {
        for await _ in bell.rings {
            var wait = Duration.milliseconds(20)
            while !Task.isCancelled, await !cache.settle() {
                try? await Task.sleep(for: wait)
                wait = min(wait * 2, .milliseconds(500))
            }
        }
    }

    /// Sends itself a message, watches whether it comes back, and moves the position.
    private func beat() async {
        var beats = 0
        var sought: (round: Int, number: Int, ends: [String: String])?
        while !Task.isCancelled {
            bell.ring()
            if let found = sought, hasCome(found.number, in: found.round), await cache.settle() {
                try? await replay.store(found.ends)
                sought = nil
            }
            let ends =
                beats.isMultiple(of: configuration.beatsPerPosition) && isLive
                ? try? await replay.ends() : nil
            let (round, number) = state.withLock { state in
                state.lastSent += 1
                return (state.feed.round, state.lastSent)
            }
            if let ends { sought = (round, number, ends) }
            _ = try? await redis.send(
                .publish(heartbeatChannel, .integer(number)), timeout: configuration.silence)
            try? await Task.sleep(for: configuration.heartbeat)
            beats += 1
            state.withLock { state in
                guard state.lastEcho + configuration.silence < .now else { return }
                _ = perform(state.feed.silent())
            }
        }
    }

    private func hasCome(_ number: Int, in round: Int) -> Bool {
        state.withLock { $0.feed.isLive && $0.feed.round == round && $0.lastEchoed >= number }
    }
}

/// Wakes one task; rings while it is busy are one ring.
private struct Bell: Sendable {
    let rings: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() {
        (rings, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func ring() { continuation.yield() }
}
