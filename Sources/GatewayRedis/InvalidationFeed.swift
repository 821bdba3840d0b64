import CloudEvents
import EventStreams
package import Gateway
package import Logging
import Metrics
import NIOCore
public import ServiceLifecycle
import Synchronization
package import TroupeRedis

// How changes reach the cache:
//
//   saga.<EventType> ─────── message ──▶ tags ──▶ cache.take ──▶ wake ──▶ cache.settle
//   cache.invalidate ─────── others' own writes ──▶ as above        raises, in batches, again
//   cache.heartbeat.<id> ─── own fence: all published before it has come, and how much that is
//   saga:{<service>}:<EventType> ─── what was missed, from where group `gateway` stands
//
// The group is a position and nothing more: up to there every event has been raised by someone.
// Nobody reads through it, so it has no consumers and no pending entries. It moves when a fence
// comes back: the streams' ends are read, the fence is published, and when it has come and all
// raises are settled, everything up to those ends is dealt with.
//
// Each fence that comes back lets the cache be used until `silence` after it was *sent*. Nothing
// has to notice that a process slept or was cut off: that moment is past all the same.

/// Takes answers out of a cache when events say that they are old.
///
/// The cache is suspended when the feed is made, and used while the feed runs and misses nothing.
public final class InvalidationFeed: Service {
    private struct State {
        var feed: FeedState
        var tally: DoorbellTally
        var report = SuspensionReport(since: .now(), FeedReason.starting)
        /// When the last fence that is back was sent, for each group of streams.
        var fences: [Moment]

        init(_ configuration: InvalidationFeedConfiguration, _ rules: EventRules) {
            feed = FeedState(silence: configuration.silence)
            tally = DoorbellTally(types: rules.sources.map(\.event), groups: rules.groups)
            fences = rules.groups.map { _ in .earliest }
        }

        /// Everything published before this has come.
        var fenced: Moment { fences.min() ?? .earliest }
    }

    private let cache: ResponseCache
    private let redis: RedisClient
    private let configuration: InvalidationFeedConfiguration
    private let keys: CacheKeys
    private let rules: EventRules
    private let replay: StreamReplay
    private let declared: DeclaredEvents
    private let metrics: FeedMetrics
    private let logger: Logger
    private let heartbeatChannel: String
    /// The streams that each fence counts.
    private let fenced: [[String]]
    /// The type of event of each channel.
    private let types: [String: String]
    private let state: Mutex<State>
    private let wake = WakeSignal()

    /// A feed for one cache.
    ///
    /// Suspends the cache until `run` has caught up.
    ///
    /// - Parameters:
    ///   - redis: where events are published and kept.
    ///   - rules: which events take what away.
    package init(
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
            redis: redis, keys: keys, rules: self.rules, limits: configuration.replayLimits)
        declared = DeclaredEvents(redis: redis, namespace: configuration.namespace)
        metrics = FeedMetrics(events: self.rules.sources.map(\.event))
        heartbeatChannel = keys.heartbeat(UUIDv7.next())
        let (keys, sources) = (keys, self.rules.sources)
        fenced = self.rules.groups.map { group in
            group.map { keys.events.stream(sources[$0].event, owner: sources[$0].service) }
        }
        types = Dictionary(
            sources.map { (keys.events.channel($0.event), $0.event) },
            uniquingKeysWith: { first, _ in first })
        state = Mutex(State(configuration, self.rules))
        cache.suspend()
    }

    /// Whether the cache is in use.
    package var isLive: Bool { state.withLock { $0.feed.isLive } }

    /// Whether the cache is in use, and if not, since when and why.
    public var status: FeedStatus {
        state.withLock { state in
            // Live, but no fence came back in time: not in use either, and soon no longer live.
            let end = state.fenced + configuration.silence * 2
            let now = Moment.now()
            if state.feed.isLive, now > end {
                return .suspended(
                    since: max(end, state.report.hinderedAt), reason: FeedReason.silent)
            }
            return state.report.status(heldUntil: state.feed.heldUntil, at: now)
        }
    }

    /// Runs until its task is cancelled or the service group shuts down.
    public func run() async throws {
        let channels = rules.sources.map { keys.events.channel($0.event) }
        let subscription = redis.subscribe(
            channels: channels + [keys.announcements, heartbeatChannel],
            buffer: .bounded(configuration.messageLimit))
        await withDiscardingTaskGroup { group in
            group.addTask { await self.settleRaises() }
            group.addTask { await self.beat() }
            group.addTask { await self.watchDeclarations() }
            for await event in subscription.cancelOnGracefulShutdown() {
                if let round = take(event) {
                    group.addTask { await self.catchUp(round) }
                }
            }
            group.cancelAll()
        }
        // Without a word, as this is what whoever stops it wants.
        state.withLock { state in
            _ = state.feed.interrupted()
            cache.suspend()
            state.report.suspended(at: .now(), "the feed of events has been stopped")
        }
    }

    // MARK: - What comes on the subscription

    /// Takes an event; returns the round whose missed events are to be read, if so.
    private func take(_ event: RedisSubscriptionEvent) -> Int? {
        switch event {
        case .active:
            return state.withLock { state in
                state.tally.restart()
                state.fences = state.fences.map { _ in .earliest }
                return perform(state.feed.active(), &state, FeedReason.subscribing)
            }
        case .interrupted:
            return state.withLock { perform($0.feed.interrupted(), &$0, FeedReason.interrupted) }
        case .message(let message):
            return take(message)
        }
    }

    private func take(_ message: RedisMessage) -> Int? {
        if message.channel == heartbeatChannel { return takeFence(message.payload) }
        if message.channel == keys.announcements {
            guard let invalidation = InvalidationMessage.read(message.payload) else {
                metrics.unreadable.increment()
                return nil
            }
            cache.take([invalidation])
            metrics.announced.increment()
        } else {
            takeEvent(message.payload)
            if let type = types[message.channel] { state.withLock { $0.tally.heard(type) } }
        }
        wake.send()
        return nil
    }

    /// Everything published before the fence has been taken by now.
    private func takeFence(_ payload: ByteBuffer) -> Int? {
        guard let fence = Fence(payload) else { return nil }
        return state.withLock { state in
            guard state.fences.indices.contains(fence.group) else { return nil }
            let missing = state.tally.compare(fence)
            let before = state.fenced
            state.fences[fence.group] = max(state.fences[fence.group], fence.sent)
            // A gap is acted upon at once; that there is none is known once all are counted.
            guard !missing.isEmpty || state.fenced > before else { return nil }
            let action = state.feed.fenced(hasGap: !missing.isEmpty, at: .now())
            let round = perform(action, &state, FeedReason.missing(missing))
            if missing.isEmpty { cache.trust(until: state.fenced + configuration.silence) }
            return round
        }
    }

    private func takeEvent(_ payload: ByteBuffer) {
        guard let event = try? CloudEvent(json: Array(payload.readableBytesView)) else {
            metrics.unreadable.increment()
            logger.debug("invalidation: a message is not an event")
            return
        }
        guard let invalidation = rules.invalidation(of: event) else { return }
        cache.take([invalidation])
        metrics.took(event)
    }

    /// Does what the state says, under its lock, so that no later decision comes before it.
    private func perform(
        _ action: FeedState.Action, _ state: inout State, _ reason: @autoclosure () -> String
    ) -> Int? {
        switch action {
        case .none:
            return nil
        case .suspend:
            suspend(&state, reason())
            return nil
        case .catchUp(let round):
            return round
        case .suspendAndCatchUp(let round):
            suspend(&state, reason())
            return round
        case .resume:
            cache.resume(until: state.fenced + configuration.silence)
            state.report.resumed()
            logger.info("invalidation: caught up, the cache is in use")
            return nil
        }
    }

    private func suspend(_ state: inout State, _ reason: String) {
        cache.suspend()
        state.report.suspended(at: .now(), reason)
        logger.notice("invalidation: the cache is not used", metadata: ["reason": "\(reason)"])
    }

    // MARK: - Side by side with it

    /// Reads what was missed, until that succeeds or the subscription has a gap again.
    private func catchUp(_ round: Int) async {
        var wait = Duration.milliseconds(20)
        while !Task.isCancelled, state.withLock({ $0.feed.round == round }) {
            do {
                let missed = try await replay.missed { cache.take([$0]) }
                if missed.isEverything { cache.makeAllInvalid() }
                wake.send()
                note(missed)
                // What is not raised yet is not believed either, so the cache can be used.
                state.withLock { state in
                    state.report.answered()
                    _ = perform(state.feed.caughtUp(round: round, at: .now()), &state, "")
                }
                if await cache.settle() { try await replay.store(missed.positions) }
                return
            } catch {
                refused(error)
                try? await Task.sleep(for: wait)
                wait = min(wait * 2, .seconds(1))
            }
        }
    }

    private func note(_ missed: StreamReplay.Missed) {
        guard missed.unreadable > 0 else { return }
        metrics.unreadable.increment(by: Int64(missed.unreadable))
        logger.warning(
            "invalidation: events in streams are too large or cannot be read",
            metadata: [
                "events": "\(missed.unreadable)", "all_taken": "\(missed.isEverything)",
            ])
    }

    /// Raises what was taken, as soon as it was, and again where Redis did not answer.
    private func settleRaises() async {
        for await _ in wake.signals {
            var wait = Duration.milliseconds(20)
            while !Task.isCancelled, await !cache.settle() {
                try? await Task.sleep(for: wait)
                wait = min(wait * 2, .milliseconds(500))
            }
        }
    }

    /// Sends itself fences, watches whether they come back, and moves the position.
    ///
    /// Never waits for the cache's Redis: fences tell of events alone.
    private func beat() async {
        var beats = 0
        var isSilent = false
        var sought: (round: Int, sent: Moment, ends: [String: String])?
        while !Task.isCancelled {
            let begun = ContinuousClock.now
            wake.send()
            if let found = sought, hasCome(found.sent, in: found.round), cache.isSettled {
                try? await replay.store(found.ends)
                sought = nil
            }
            let ends =
                beats.isMultiple(of: configuration.beatsPerPosition) && isLive
                ? try? await replay.ends() : nil
            let round = state.withLock { $0.feed.round }
            let sent = Moment.now()
            if let ends { sought = (round, sent, ends) }
            await sendFences(sent)
            try? await Task.sleep(until: begun + configuration.heartbeat)
            beats += 1
            noteSilence(&isSilent)
        }
    }

    /// Warns, once, of each rule that waits for what its service never says.
    private func watchDeclarations() async {
        var warned: Set<EventRules.Source> = []
        while (try? await Task.sleep(for: configuration.declarationInterval)) != nil {
            guard isLive else { continue }
            do throws(RedisError) {
                for found in try await declared.missing(in: rules.sources)
                where warned.insert(found.source).inserted {
                    logger.warning(
                        "invalidation: a rule waits for an event that its service does not emit",
                        metadata: [
                            "service": "\(found.source.service)", "event": "\(found.source.event)",
                            "meant": "\(found.nearest ?? "")",
                        ])
                }
            } catch {
                logger.debug(
                    "invalidation: what services declare is not known",
                    metadata: ["error": "\(error)"])
            }
        }
    }

    /// Tells people that no fence comes back; the cache finds that out by itself.
    private func noteSilence(_ isSilent: inout Bool) {
        cache.recordUse()
        let fenced = state.withLock { $0.feed.isLive ? $0.fenced : .latest }
        let isNow = fenced < .now() - configuration.silence
        if isNow, !isSilent { logger.notice("invalidation: \(FeedReason.silent)") }
        isSilent = isNow
    }

    /// One for each group of streams, through the node that keeps them.
    private func sendFences(_ sent: Moment) async {
        for (group, streams) in fenced.enumerated() {
            let prefix = Fence(sent: sent, group: group).prefix
            do {
                _ = try await redis.evaluate(
                    FenceScript.script, keys: streams,
                    arguments: [.string(heartbeatChannel), .string(prefix)],
                    timeout: configuration.silence)
                state.withLock { if $0.feed.isLive { $0.report.answered() } }
            } catch {
                return refused(error)
            }
        }
    }

    private func refused(_ error: RedisError) {
        guard error.code != .cancelled else { return }
        logger.debug("invalidation: refused", metadata: ["error": "\(error)"])
        state.withLock {
            $0.report.refused(
                FeedReason.refused(error), passes: error.retry != .never, at: .now())
        }
    }

    private func hasCome(_ sent: Moment, in round: Int) -> Bool {
        state.withLock { $0.feed.isLive && $0.feed.round == round && $0.fenced >= sent }
    }
}

/// Wakes one task; signals while it is busy are one signal.
private struct WakeSignal: Sendable {
    let signals: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() {
        (signals, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func send() { continuation.yield() }
}
