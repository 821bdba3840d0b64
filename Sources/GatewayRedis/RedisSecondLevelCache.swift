import CloudEvents
package import Gateway
package import Logging
import Metrics
import NIOCore
import Synchronization
package import TroupeRedis

// Every look at generations also asks which node answers, in the same batch:
//
//   GET entry │ PTTL entry │ INFO │ epoch │ tag │ tag …            tag: SET … NX PX 10 s, GET
//
// The identity of the node stands beside each number, in the entry too: after a restart or a
// change of role Redis may have fallen back to older numbers, and those are not compared.
//
// An entry is stored in two steps: each generation lives on if it is still what the fill saw, and
// only if all are, the entry is written. So a fill that stores nothing leaves a number that is gone
// after ten seconds.

/// The cache that gateways share, on Redis.
///
/// While Redis does not answer, calls return nil or false at once, but for one now and then that
/// tries.
package final class RedisSecondLevelCache: SecondLevelCache {
    private struct State {
        var breaker = SecondLevelBreaker()
        var budget: SecondLevelBudget
        private var lastComplaint: ContinuousClock.Instant?

        init(_ configuration: SecondLevelConfiguration) {
            budget = SecondLevelBudget(
                byteLimit: configuration.byteLimit, generationLimit: configuration.generationLimit,
                window: configuration.generationLifetime, at: .now)
        }

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
    private let state: Mutex<State>
    private let errors = Counter(label: "gateway_l2_errors_total")
    private let overBudget = Counter(label: "gateway_l2_over_budget_total")

    /// A second level on one Redis.
    ///
    /// - Parameters:
    ///   - redis: where the cache lives.
    ///   - events: where events are published, if that is another one.
    package init(
        redis: RedisClient, events: RedisClient? = nil, configuration: SecondLevelConfiguration,
        logger: Logger
    ) {
        self.redis = redis
        self.events = events ?? redis
        self.configuration = configuration
        self.keys = CacheKeys(namespace: configuration.namespace)
        self.logger = logger
        state = Mutex(State(configuration))
    }

    /// What it keeps under one name, whatever the answers.
    package static func standingKeys(namespace: String) -> [RedisStandingKey] {
        CacheKeys(namespace: namespace).standing
    }

    // MARK: - Reading

    /// The entry of a key and then the generations.
    package func read(_ key: CacheKey, likely tags: [CacheTag]) async -> SecondLevelReading? {
        let name = keys.entry(key)
        let question = question(about: tags)
        let batch = [RedisCommand.get(name), .pttl(name)] + question.commands
        guard let replies = await send(batch, timeout: configuration.readTimeout),
            var present = answer(replies[2...], to: question)
        else { return nil }
        guard let buffer = replies[0].buffer,
            let entry = EntryCodec.decode(buffer, remaining: replies[1].integer ?? 0)
        else { return SecondLevelReading(entry: nil, present: present) }
        let others = entry.generations.values.keys.filter { !tags.contains($0) }
        if !others.isEmpty {
            // Those that are not there are equal to nothing, so none is begun.
            guard let more = await ask(self.question(about: Array(others), begins: false)) else {
                return nil
            }
            guard more.epoch == present.epoch else {
                return SecondLevelReading(entry: nil, present: more)
            }
            present.values.merge(more.values) { _, later in later }
        }
        return SecondLevelReading(entry: entry, present: present)
    }

    /// The generations, begun where there are none.
    package func generations(of tags: [CacheTag]) async -> Generations? {
        await ask(question(about: tags))
    }

    // MARK: - Writing

    /// Keeps an entry for the rest of its life, if its generations are still what they were.
    package func store(_ entry: SecondLevelEntry, for key: CacheKey) async {
        var entry = entry
        entry.lifetime = min(entry.lifetime, configuration.longestLifetime)
        guard entry.lifetime >= .milliseconds(1) else { return }
        let bytes = EntryCodec.encode(entry)
        let size = bytes.readableBytes
        let hasRoom = state.withLock { $0.budget.hasRoom(for: size, of: key, at: .now) }
        guard hasRoom else { return overBudget.increment() }
        guard await prolong(entry.generations, for: entry.lifetime) else { return }
        let charge = state.withLock {
            $0.budget.charge(size, of: key, for: entry.lifetime, at: .now)
        }
        guard let charge else { return overBudget.increment() }
        let command = RedisCommand.set(
            keys.entry(key), .buffer(bytes), RedisSetOptions(timeToLive: entry.lifetime))
        let reply = await send([command], timeout: configuration.writeTimeout)
        state.withLock { state in
            if reply != nil {
                state.budget.stored(charge)
            } else {
                state.budget.giveBack(charge, at: .now)
            }
        }
    }

    /// Lets all generations live as long as an entry; false if one is not what it was.
    private func prolong(_ generations: Generations, for lifetime: Duration) async -> Bool {
        let guarding = RedisArgument.milliseconds(lifetime + configuration.generationLifetime)
        var commands = generations.values.map { tag, generation in
            RedisCommand.evalsha(
                ProlongScript.script, keys: [keys.generation(tag)],
                arguments: [.string("\(generation.number)"), guarding])
        }
        commands.append(
            RedisCommand("PEXPIRE", [.string(keys.epoch), .milliseconds(epochLifetime)]))
        guard let replies = await run(commands, ProlongScript.script) else { return false }
        return replies.allSatisfy { $0.integer == 1 }
    }

    /// Raises the generation of each tag that someone has begun.
    ///
    /// A tag that several events of the batch name is raised once, for the last of them: all of
    /// them lie before it.
    package func raise(_ invalidations: [Invalidation]) async -> Bool {
        var causes: [CacheTag: String] = [:]
        for invalidation in invalidations {
            for tag in invalidation.tags { causes[tag] = invalidation.cause }
        }
        guard let begun = await begun(Array(causes.keys)) else { return false }
        let commands = begun.map { raise($0, causes[$0] ?? "") }
        return await run(commands, RaiseScript.script) != nil
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
    package func raiseAll() async -> Bool {
        let command = RedisCommand.set(
            keys.epoch, .integer(GenerationQuestion.freshStart()),
            RedisSetOptions(timeToLive: epochLifetime))
        return await send([command], timeout: configuration.writeTimeout) != nil
    }

    /// Publishes an invalidation on the gateways' own channel.
    package func announce(_ invalidation: Invalidation) async -> Bool {
        let payload = InvalidationMessage(invalidation).json()
        do {
            _ = try await events.send(
                .publish(keys.announcements, .string(payload)),
                timeout: configuration.writeTimeout)
            return true
        } catch {
            errors.increment()
            return false
        }
    }

    // MARK: - Generations

    /// The epoch is one key, and outlives every entry.
    private var epochLifetime: Duration { configuration.longestLifetime * 2 }

    /// Tags without a generation are given one, unless too many were.
    private func question(about tags: [CacheTag]) -> GenerationQuestion {
        let mayBegin = state.withLock { $0.budget.mayBegin(at: .now) }
        if !mayBegin { overBudget.increment() }
        return question(about: tags, begins: mayBegin)
    }

    private func question(about tags: [CacheTag], begins: Bool) -> GenerationQuestion {
        GenerationQuestion(
            about: tags, begins: begins, keys: keys, lifetime: configuration.generationLifetime,
            epochLifetime: epochLifetime)
    }

    private func answer(
        _ replies: ArraySlice<RedisValue>, to question: GenerationQuestion
    ) -> Generations? {
        guard let answer = question.answer(Array(replies)) else { return nil }
        if answer.begun > 0 { state.withLock { $0.budget.began(answer.begun) } }
        return answer.generations
    }

    private func ask(_ question: GenerationQuestion) async -> Generations? {
        guard let replies = await send(question.commands, timeout: configuration.readTimeout)
        else { return nil }
        return answer(replies[...], to: question)
    }

    private func raise(_ tag: CacheTag, _ cause: String) -> RedisCommand {
        .evalsha(
            RaiseScript.script, keys: [keys.generation(tag), keys.event(tag, cause)],
            arguments: [.milliseconds(configuration.eventMemory)])
    }

    // MARK: - Sending

    /// All replies of commands that run one script; nil if there is none, or one is an error.
    ///
    /// Scripts that are run again must have the same effect as those run once.
    private func run(_ commands: [RedisCommand], _ script: RedisScript) async -> [RedisValue]? {
        guard !commands.isEmpty else { return [] }
        guard let first = await sendAny(commands, timeout: configuration.writeTimeout) else {
            return nil
        }
        let replies = first.compactMap { try? $0.get() }
        if replies.count == commands.count { return replies }
        // The server does not know the script, after a restart for instance.
        let again = [RedisCommand.scriptLoad(script)] + commands
        return await send(again, timeout: configuration.writeTimeout).map { Array($0.dropFirst()) }
    }

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
