import EventStreams
import Logging
import TroupeRedis

/// Does on a Redis what the work does, and says what does not go.
///
///     HELLO ───────── version, cluster, replica: answered to every user
///     rights ──────── each command on each kind of key and channel, asked and not run
///     work ────────── a record, or a stream, a group and its entry, in a script that removes them
///     XRANGE … ────── streams that are there have IDs left
///     looks ───────── keys that bear one name for ever hold what they have to hold
///
/// All of it is one round trip, but for one more that asks what a wrong key holds. Nothing is
/// published, and nothing remains.
enum Rehearsal {
    static let recordWork = RedisScript(
        """
        redis.call('SET', KEYS[1], ARGV[1], 'PX', 10000)
        return redis.call('UNLINK', KEYS[1])
        """)

    /// The first write is one that a full Redis refuses, and that finds no leavings in its way.
    static let streamWork = RedisScript(
        """
        local key, call = KEYS[1], redis.call
        call('SET', key, ARGV[1], 'PX', 10000)
        call('UNLINK', key)
        call('XADD', key, '*', 'data', ARGV[1])
        call('PEXPIRE', key, 10000)
        call('XGROUP', 'CREATE', key, 'rehearsal', '0')
        local read = call('XREADGROUP', 'GROUP', 'rehearsal', 'rehearsal', 'COUNT', 1,
          'STREAMS', key, '>')
        local id = read[1][2][1][1]
        call('XCLAIM', key, 'rehearsal', 'rehearsal', 0, id, 'JUSTID')
        local taken = call('XACK', key, 'rehearsal', id)
        call('UNLINK', key)
        return taken
        """)

    /// With the commands of the cache alone; a life of nothing takes the key away.
    static let cacheWork = RedisScript(
        """
        local key, call = KEYS[1], redis.call
        call('SET', key, '1', 'PX', 10000)
        call('INCR', key)
        call('PEXPIRE', key, 10000)
        local stored = call('GET', key) == '2' and call('PTTL', key) > 0
        call('PEXPIRE', key, 0)
        return stored and 1 - call('EXISTS', key) or 0
        """)

    /// Everything that does not go, the worst first; nothing if all is well.
    static func shortcomings(
        of client: RedisClient, as role: RedisRole, within limit: Duration = .seconds(2)
    ) async -> [Shortcoming] {
        let rights = RedisRights(role: role)
        let questions = [
            RedisCommand("HELLO", [], isReadOnly: true),
            RedisCommand.eval(RedisRights.script, keys: [], arguments: rights.arguments),
        ]
        let trials = role.trials.map { trial in
            RedisCommand.eval(trial.part.work, keys: [trial.key], arguments: ["{}"])
        }
        let looks = role.standingKeys.map(\.look)
        let streams = role.standingKeys.filter { $0.kind == .stream }.map(\.name)
        let last = "\(StreamID.last)"
        let ends = streams.map { RedisCommand.xrange($0, from: last, to: last, count: 1) }
        let results: [Result<RedisValue, RedisError>]
        do {
            results = try await client.send(
                batch: questions + trials + looks + ends, timeout: limit)
        } catch {
            return [Shortcoming(error)]
        }
        if let reason = HelloReply(results[0]).shortcoming { return [reason] }
        let user = client.configuration.username ?? "default"
        var found = judge(results[1], rights, user)
        let tried = results[2..<2 + trials.count].compactMap(judge(trial:))
        // What the user lacks has been told, and in better words.
        if found.isEmpty, let first = tried.first { found.append(first) }
        let misfits = zip(results.dropFirst(2 + trials.count), role.standingKeys)
            .filter { isMisfit($0.0) }.map(\.1)
        return found + (await told(misfits, client, within: limit))
            + usedUp(results.suffix(ends.count), streams)
    }

    private static func judge(
        _ result: Result<RedisValue, RedisError>, _ rights: RedisRights, _ user: String
    ) -> [Shortcoming] {
        switch result {
        case .success(let reply):
            let answers = reply.array?.compactMap(\.integer) ?? []
            guard let missing = rights.missing(answers) else {
                return [.odd("its scripts do not tell what a user may do")]
            }
            return missing.isEmpty ? [] : [.rights(missing, user: user)]
        case .failure(let error) where error.code == .server("NOPERM"):
            return [.rights(withoutScripts(rights), user: user)]
        case .failure(let error) where error.message.contains("unknown command"):
            return [.rights(RedisRights.Missing(unknown: ["eval"]), user: user)]
        case .failure(let error):
            return [Shortcoming(error)]
        }
    }

    /// Without scripts nothing more can be asked, so the rule names all commands of the role.
    ///
    /// Not its keys: Redis refuses a rule that names some to a user who may use all.
    private static func withoutScripts(_ rights: RedisRights) -> RedisRights.Missing {
        RedisRights.Missing(
            commands: rights.role.commands.filter { $0.hasPrefix("EVAL") },
            unjudged: rights.role.commands)
    }

    private static func judge(trial result: Result<RedisValue, RedisError>) -> Shortcoming? {
        switch result {
        case .success(let reply):
            reply.integer == 1 ? nil : .odd("what was just written is not there")
        case .failure(let error): Shortcoming(error)
        }
    }

    private static func isMisfit(_ look: Result<RedisValue, RedisError>) -> Bool {
        guard case .failure(let error) = look else { return false }
        return error.code == .server("WRONGTYPE")
    }

    /// What stands there instead is asked only now: it is not part of the work, and a user may not
    /// be allowed.
    private static func told(
        _ misfits: [RedisStandingKey], _ client: RedisClient, within limit: Duration
    ) async -> [Shortcoming] {
        guard !misfits.isEmpty else { return [] }
        let questions = misfits.map { RedisCommand.type($0.name) }
        let answers = try? await client.send(batch: questions, timeout: limit)
        return misfits.enumerated().map { index, key in
            let type = try? answers?[index].get().string
            return .wrongType(key: key.name, type: type, expected: key.kind.rawValue)
        }
    }

    /// Those whose last ID is given away: an entry has it.
    ///
    /// What Redis tells of a stream says so as well, but brings its first and its last entry,
    /// however large they are.
    private static func usedUp(
        _ results: ArraySlice<Result<RedisValue, RedisError>>, _ streams: [String]
    ) -> [Shortcoming] {
        zip(results, streams).compactMap { result, key in
            guard let entries = try? result.get().array, !entries.isEmpty else { return nil }
            return .usedUp(key: key)
        }
    }

    /// The same from a connection of its own, and with a subscription.
    static func shortcomings(
        of address: RedisAddress, as role: RedisRole, within limit: Duration = .seconds(2),
        logger: Logger
    ) async -> [Shortcoming] {
        let client = address.quietClient("troupe-rehearsal", within: limit, logger: logger)
        var found = await shortcomings(of: client, as: role, within: limit)
        if found.isEmpty, let channel = role.channels.first?.sample,
            await !isSubscribed(client, channels: [channel], within: limit)
        {
            found.append(.noSubscriptions)
        }
        await client.shutdown()
        return found
    }

    /// Whether Redis lets the client hear all of these.
    static func isSubscribed(
        _ client: RedisClient, channels: [String], patterns: [String] = [], within limit: Duration
    ) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                for await event in client.subscribe(channels: channels, patterns: patterns)
                where event == .active {
                    return true
                }
                return false
            }
            group.addTask {
                try? await Task.sleep(for: limit)
                return false
            }
            defer { group.cancelAll() }
            return await group.next() ?? false
        }
    }

    /// Fails before anything is started on a Redis that could never do the work.
    ///
    /// One that is away, full or a replica may come round: whoever starts is not ready until then.
    static func expectUsable(
        _ address: RedisAddress, as role: RedisRole?, logger: Logger
    ) async throws(CommandFailure) {
        guard let role else { return }
        let found = await shortcomings(of: address, as: role, logger: logger)
        guard let worst = found.first(where: \.forbidsStart) else { return }
        throw CommandFailure(
            .unreachable, "Redis at \(address.shown): \(worst.what)",
            remedy: worst.remedy(on: address.configuration))
    }
}

extension SystemSettings {
    /// Fails before anything is started on a Redis that could never do the work of `role`, or a
    /// gateway's cache.
    func expectUsableRedis(
        as role: RedisRole?, withCache: Bool = false, logger: Logger
    ) async throws(CommandFailure) {
        let cache = RedisRole.cache(namespace: namespace)
        guard withCache else {
            return try await Rehearsal.expectUsable(redis, as: role, logger: logger)
        }
        guard let cacheRedis else {
            return try await Rehearsal.expectUsable(
                redis, as: role?.joined(with: cache) ?? cache, logger: logger)
        }
        try await Rehearsal.expectUsable(redis, as: role, logger: logger)
        try await Rehearsal.expectUsable(cacheRedis, as: cache, logger: logger)
    }
}

extension RedisRole.Trial.Part {
    fileprivate var work: RedisScript {
        switch self {
        case .records: Rehearsal.recordWork
        case .events: Rehearsal.streamWork
        case .cache: Rehearsal.cacheWork
        }
    }
}

extension RedisStandingKey {
    /// A small read that only a key of its kind answers, with a right that its work needs anyway.
    fileprivate var look: RedisCommand {
        switch kind {
        case .hash: RedisCommand("HGET", [.string(name), "rehearsal"], isReadOnly: true)
        case .string: .get(name)
        case .stream: RedisCommand("XINFO", ["GROUPS", .string(name)], isReadOnly: true)
        case .sortedSet: RedisCommand("ZREVRANK", [.string(name), "rehearsal"], isReadOnly: true)
        }
    }
}

/// What a server answers to `HELLO`, which no ACL can refuse.
struct HelloReply {
    private var facts: [String: String] = [:]

    /// Nothing is known of a server, or a proxy, that has no such command.
    init(_ result: Result<RedisValue, RedisError>) {
        guard case .success(let reply) = result, let list = reply.array else { return }
        for index in stride(from: 0, to: list.count - 1, by: 2) {
            if let name = list[index].string { facts[name] = list[index + 1].string }
        }
    }

    var version: String? { facts["version"] }
    var isReplica: Bool { facts["role"] == "replica" }

    var shortcoming: Shortcoming? {
        switch facts["mode"] {
        case "cluster": return .cluster
        case "sentinel": return .sentinel
        default: break
        }
        if let version, Shortcoming.isOld(version) { return .old(version: version) }
        return isReplica ? .replica : nil
    }
}

extension RedisAddress {
    /// A client for a few questions, whose trouble is told by who asks.
    func quietClient(
        _ name: String, within limit: Duration = .seconds(2), logger: Logger
    ) -> RedisClient {
        var configuration = configuration
        configuration.connectTimeout = limit
        configuration.commandTimeout = limit
        // Whether anybody is there shows sooner.
        configuration.disconnectedWait = limit / 8
        configuration.clientName = name
        var quiet = logger
        if quiet.logLevel > .debug { quiet.logLevel = .critical }
        return RedisClient(configuration, logger: quiet)
    }
}
