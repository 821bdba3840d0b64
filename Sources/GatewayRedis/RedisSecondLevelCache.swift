import CloudEvents
public import Gateway
public import Logging
import Metrics
import NIOCore
public import Redis
import Synchronization

// Every look at generations also asks which run of the server answers, in the same batch:
//
//   GET entry │ PTTL entry │ INFO server │ epoch │ tag │ tag …       tag: SET … NX, GETEX
//
// After a restart Redis may have fallen back to older generations. Entries of the earlier run
// are then out of reach, because the run is part of their digest, and a fill that began before
// stores its entry under the earlier run, where nobody looks.

/// The settings of a second level on Redis.
public struct SecondLevelConfiguration: Sendable {
    /// What stands before every key and channel.
    public var namespace: String
    /// How long a request waits for Redis before it goes on without.
    public var readTimeout: Duration = .milliseconds(150)
    /// How long a change waits until its generations are raised.
    public var writeTimeout: Duration = .seconds(1)
    /// No entry lives longer.
    ///
    /// Generations live twice as long.
    public var longestLifetime: Duration = .seconds(3_600)
    /// How long an event that has raised a generation is remembered.
    ///
    /// Told again after that, it costs a miss.
    public var eventMemory: Duration = .seconds(60)

    /// The defaults, for one namespace.
    public init(namespace: String = "") {
        self.namespace = namespace
    }
}

/// The cache that gateways share, on Redis.
///
/// While Redis does not answer, calls return nil or false at once, but for one now and then that
/// tries.
public final class RedisSecondLevelCache: SecondLevelCache {
    private struct State {
        var breaker = SecondLevelBreaker()
        /// The run that answered last.
        var run: String?
        private var lastComplaint: ContinuousClock.Instant?

        /// Whether a refusal is to be logged; a full Redis refuses with every request.
        mutating func mayComplain(at now: ContinuousClock.Instant) -> Bool {
            if let lastComplaint, now < lastComplaint + .seconds(10) { return false }
            lastComplaint = now
            return true
        }
    }

    private let redis: RedisClient
    private let events: RedisClient
    private let configuration: SecondLevelConfiguration
    private let keys: CacheKeys
    private let logger: Logger
    private let state = Mutex(State())
    private let errors = Counter(label: "gateway_l2_errors_total")

    /// A second level on one Redis.
    ///
    /// - Parameters:
    ///   - redis: where the cache lives.
    ///   - events: where events are published, if that is another one.
    public init(
        redis: RedisClient, events: RedisClient? = nil, configuration: SecondLevelConfiguration,
        logger: Logger
    ) {
        self.redis = redis
        self.events = events ?? redis
        self.configuration = configuration
        self.keys = CacheKeys(namespace: configuration.namespace)
        self.logger = logger
    }

    // MARK: - Reading

    /// The entry of a key if it is of this run of the server, and the generations.
    public func read(_ key: CacheKey, likely tags: [CacheTag]) async -> SecondLevelReading? {
        guard let run = await knownRun() else { return nil }
        let name = keys.entry(key, run: run)
        let batch = [RedisCommand.get(name), .pttl(name)] + question(about: tags)
        guard let replies = await send(batch, timeout: configuration.readTimeout),
            var present = answer(replies[2...], about: tags)
        else { return nil }
        guard present.server == run, let buffer = replies[0].buffer,
            let entry = EntryCodec.decode(buffer, remaining: replies[1].integer ?? 0)
        else { return SecondLevelReading(entry: nil, present: present.generations) }
        let others = entry.generations.values.keys.filter { !tags.contains($0) }
        if !others.isEmpty {
            guard let more = await ask(about: others) else { return nil }
            guard more.generations.run == present.generations.run else {
                return SecondLevelReading(entry: nil, present: more.generations)
            }
            present.generations.values.merge(more.generations.values) { _, later in later }
        }
        return SecondLevelReading(entry: entry, present: present.generations)
    }

    /// The generations, begun where there are none.
    public func generations(of tags: [CacheTag]) async -> Generations? {
        await ask(about: tags)?.generations
    }

    // MARK: - Writing

    /// Keeps an entry for the rest of its life.
    public func store(_ entry: SecondLevelEntry, for key: CacheKey) async {
        guard let server = entry.generations.run.split(separator: "/").first else { return }
        var entry = entry
        entry.lifetime = min(entry.lifetime, configuration.longestLifetime)
        guard entry.lifetime >= .milliseconds(1) else { return }
        let command = RedisCommand.set(
            keys.entry(key, run: String(server)), .buffer(EntryCodec.encode(entry)),
            RedisSetOptions(timeToLive: entry.lifetime))
        _ = await send([command], timeout: configuration.writeTimeout)
    }

    /// Raises the generation of each tag that someone has begun.
    ///
    /// A tag that several events of the batch name is raised once, for the last of them: all of
    /// them lie before it.
    public func raise(_ invalidations: [Invalidation]) async -> Bool {
        var causes: [CacheTag: String] = [:]
        for invalidation in invalidations {
            for tag in invalidation.tags { causes[tag] = invalidation.cause }
        }
        guard let begun = await begun(Array(causes.keys)) else { return false }
        let commands = begun.map { raise($0, causes[$0] ?? "") }
        guard !commands.isEmpty else { return true }
        guard let first = await sendAny(commands, timeout: configuration.writeTimeout) else {
            return false
        }
        if first.allSatisfy({ (try? $0.get()) != nil }) { return true }
        // The server does not know the script, after a restart for instance. Told twice, an
        // event raises once.
        let again = [RedisCommand.scriptLoad(RaiseScript.script)] + commands
        return await send(again, timeout: configuration.writeTimeout) != nil
    }

    /// Those tags that have a generation; looking is cheaper than a script for each.
    ///
    /// One begun after the look belongs to a fill that fetches what is new.
    private func begun(_ tags: [CacheTag]) async -> [CacheTag]? {
        guard tags.count > 1 else { return tags }
        let looks = tags.map { RedisCommand.exists(keys.generation($0)) }
        guard let found = await send(looks, timeout: configuration.writeTimeout) else {
            return nil
        }
        return zip(tags, found).filter { $0.1.integer == 1 }.map(\.0)
    }

    /// Replaces the epoch, which is part of every entry.
    public func raiseAll() async -> Bool {
        let command = RedisCommand.set(
            keys.epoch, .integer(freshStart()), RedisSetOptions(timeToLive: generationLifetime))
        return await send([command], timeout: configuration.writeTimeout) != nil
    }

    /// Publishes an invalidation on the gateways' own channel.
    public func announce(_ invalidation: Invalidation) async {
        let payload = Announcement(invalidation).json()
        do {
            _ = try await events.send(
                .publish(keys.announcements, .string(payload)),
                timeout: configuration.writeTimeout)
        } catch {
            errors.increment()
        }
    }

    // MARK: - Generations

    private var generationLifetime: Duration { configuration.longestLifetime * 2 }

    /// Where a generation begins.
    ///
    /// A random number, because one that was evicted must not come back.
    private func freshStart() -> Int { Int.random(in: 1...(1 << 52)) }

    /// Commands that begin what has no generation and read them all.
    private func question(about tags: [CacheTag]) -> [RedisCommand] {
        let lifetime = RedisArgument.milliseconds(generationLifetime)
        var commands = [RedisCommand.info("server")]
        for key in [keys.epoch] + tags.map(keys.generation) {
            commands.append(
                RedisCommand(
                    "SET", [.string(key), .integer(freshStart()), "PX", lifetime, "NX"]))
            commands.append(RedisCommand("GETEX", [.string(key), "PX", lifetime]))
        }
        return commands
    }

    private struct Answer {
        /// The run of the server alone.
        var server: String
        /// The generations, whose run is the server's and the epoch.
        var generations: Generations
    }

    private func answer(_ replies: ArraySlice<RedisValue>, about tags: [CacheTag]) -> Answer? {
        let replies = Array(replies)
        guard replies.count == 3 + 2 * tags.count, let server = RunID.find(in: replies[0]),
            let epoch = replies[2].integer
        else { return nil }
        var values: [CacheTag: UInt64] = [:]
        for (index, tag) in tags.enumerated() {
            values[tag] = replies[4 + 2 * index].integer.map { UInt64(clamping: $0) }
        }
        state.withLock { $0.run = server }
        return Answer(
            server: server, generations: Generations(run: "\(server)/\(epoch)", values: values))
    }

    private func ask(about tags: [CacheTag]) async -> Answer? {
        guard let replies = await send(question(about: tags), timeout: configuration.readTimeout)
        else { return nil }
        return answer(replies[...], about: tags)
    }

    /// The run that answered last; asks if none has.
    private func knownRun() async -> String? {
        if let run = state.withLock({ $0.run }) { return run }
        return await ask(about: [])?.server
    }

    private func raise(_ tag: CacheTag, _ cause: String) -> RedisCommand {
        .evalsha(
            RaiseScript.script, keys: [keys.generation(tag), keys.event(tag, cause)],
            arguments: [
                .milliseconds(generationLifetime), .milliseconds(configuration.eventMemory),
            ])
    }

    // MARK: - Sending

    /// All replies of a batch; nil if there is none, or one is an error.
    private func send(_ batch: [RedisCommand], timeout: Duration) async -> [RedisValue]? {
        guard let results = await sendAny(batch, timeout: timeout) else { return nil }
        do {
            return try results.map { try $0.get() }
        } catch {
            errors.increment()
            if state.withLock({ $0.mayComplain(at: .now) }) {
                logger.warning("cache: redis refused a command", metadata: ["error": "\(error)"])
            }
            return nil
        }
    }

    /// The results of a batch; nil if the server does not answer or is not asked.
    private func sendAny(
        _ batch: [RedisCommand], timeout: Duration
    ) async -> [Result<RedisValue, RedisError>]? {
        guard state.withLock({ $0.breaker.allows(at: .now) }) else { return nil }
        do {
            let results = try await redis.send(batch: batch, timeout: timeout)
            state.withLock { $0.breaker.succeeded() }
            return results
        } catch {
            if error.code == .cancelled { return nil }
            errors.increment()
            let isFirst = state.withLock { state in
                let before = state.breaker
                state.breaker.failed(at: .now)
                return before != state.breaker
            }
            if isFirst {
                logger.debug("cache: redis does not answer", metadata: ["error": "\(error)"])
            }
            return nil
        }
    }
}
