import TroupeRedis

/// Why a Redis cannot do what we need, found by a rehearsal.
enum Shortcoming: Error, Equatable {
    /// Nobody is there.
    case silent(String)
    /// Somebody is there, and says nothing.
    case mute
    case untrusted(String)
    case loading
    case refusesUs(String)
    case noDatabase
    case cluster
    case sentinel
    case old(version: String)
    case replica
    case rights(RedisRights.Missing, user: String)
    /// It takes no writes now: full, its disk fails, too few replicas.
    case takesNoWrites(String)
    case wrongType(key: String, type: String?, expected: String)
    /// A stream has had the last ID there is, and takes no more entries.
    case usedUp(key: String)
    case noSubscriptions
    /// It answers what none of the above explains.
    case odd(String)

    /// The oldest version whose scripts can be asked for rights and whose streams tell their lag.
    static let versionMinimum = (7, 0)

    static func isOld(_ version: String) -> Bool {
        let numbers = version.split(separator: ".").compactMap { Int($0) } + [0, 0]
        return (numbers[0], numbers[1]) < versionMinimum
    }

    /// What an error reply to our work means.
    init(_ error: RedisError) {
        // A server that may not be written to is left at once; what was asked of it then ends
        // with the connection.
        if let refusal = error.cause as? RedisError, refusal.code.serverPrefix != nil {
            self.init(refusal)
            return
        }
        switch error.code.serverPrefix {
        case nil where error.concernsTLS: self = .untrusted(error.message)
        case nil: self = error.isSilence ? .mute : .silent(error.message)
        case "ERR" where error.message.contains("DB index"): self = .noDatabase
        case "LOADING": self = .loading
        case "READONLY", "MASTERDOWN": self = .replica
        case "OOM", "MISCONF", "NOREPLICAS": self = .takesNoWrites(Self.plain(error.message))
        case "WRONGPASS", "NOAUTH": self = .refusesUs(error.message)
        case "MOVED", "ASK", "CROSSSLOT", "CLUSTERDOWN": self = .cluster
        default: self = .odd(Self.plain(error.message))
        }
    }

    /// An error raised in a script says where; that is our business alone.
    private static func plain(_ message: String) -> String {
        guard let end = message.firstRange(of: " script: ") else { return message }
        return String(message[..<end.lowerBound])
    }

    /// Whether somebody has to change something; all else may pass by itself.
    var isLasting: Bool {
        switch self {
        case .silent, .mute, .loading, .replica, .takesNoWrites: false
        case .untrusted, .refusesUs, .noDatabase, .cluster, .sentinel, .old, .rights, .wrongType,
            .usedUp, .noSubscriptions, .odd:
            true
        }
    }

    /// Whether nothing could ever be done on this Redis as it is set up.
    var forbidsStart: Bool {
        switch self {
        case .untrusted, .refusesUs, .noDatabase, .cluster, .sentinel, .old, .rights,
            .noSubscriptions:
            true
        case .silent, .mute, .loading, .replica, .takesNoWrites, .wrongType, .usedUp, .odd: false
        }
    }

    /// Whether it is not a Redis that we could use, whatever its user may do.
    var isForeign: Bool { self == .cluster || self == .sentinel }

    /// What `doctor` calls what it looked at.
    var subject: String {
        switch self {
        case .silent, .mute, .untrusted, .loading, .refusesUs, .noDatabase: "connection"
        case .cluster, .sentinel, .replica: "role"
        case .old: "version"
        case .rights: "rights"
        case .takesNoWrites, .odd: "work"
        case .wrongType, .usedUp: "data"
        case .noSubscriptions: "channels"
        }
    }

    var what: String {
        switch self {
        case .silent(let reason): "it does not answer: \(reason)"
        case .mute: "it takes the connection and does not answer"
        case .untrusted(let reason): reason
        case .loading: "it still reads its data"
        case .refusesUs(let reason): "it refuses us: \(reason)"
        case .noDatabase: "it has no database of that number"
        case .cluster: "it is a node of a Redis Cluster, which this version does not support"
        case .sentinel: "it is a Sentinel, not a Redis with data"
        case .old(let version): "Redis \(version) is too old"
        case .replica: "it is a read-only replica"
        case .rights(let missing, let user): Self.sentence(missing, user)
        case .takesNoWrites(let reason): "it takes no writes: \(reason)"
        case .wrongType(let key, let type, let expected):
            "the key \(key) is \(type.map { "a \($0)" } ?? "of another type") and has to be a "
                + expected
        case .usedUp(let key): "the stream \(key) has no IDs left for more entries"
        case .noSubscriptions: "it confirms no subscription"
        case .odd(let reason): "it refuses our work: \(reason)"
        }
    }

    private static func sentence(_ missing: RedisRights.Missing, _ user: String) -> String {
        func list(_ words: [String]) -> String { words.joined(separator: ", ") }
        var parts: [String] = []
        if !missing.commands.isEmpty {
            let names = RedisRole.grants(missing.commands).map { $0.dropFirst().uppercased() }
            parts.append("may not run \(list(names))")
        }
        if !missing.keys.isEmpty { parts.append("may not use the keys \(list(missing.keys))") }
        if !missing.channels.isEmpty {
            parts.append("may not use the channels \(list(missing.channels))")
        }
        var sentences = parts.isEmpty ? [] : ["the user \(user) " + parts.joined(separator: ", ")]
        if !missing.unknown.isEmpty {
            sentences.append(
                "it does not know \(list(missing.unknown.map { $0.uppercased() })), renamed or "
                    + "removed by its configuration")
        }
        return sentences.joined(separator: "; ")
    }

    /// The next step, at the Redis of that address.
    func remedy(on redis: RedisConfiguration) -> String {
        let tool = RedisTool(configuration: redis).administration
        return switch self {
        case .silent: "start it, or name another with --redis"
        case .mute:
            redis.tls == nil
                ? "see whether its process is stopped or busy, or name another with --redis"
                : "redis:// if it speaks no TLS at that port"
        case .untrusted:
            "redis:// if it speaks no TLS at that port; else have this machine trust its authority"
        case .loading: "wait, then troupe doctor"
        case .refusesUs: "--redis redis://user:password@host:port"
        case .noDatabase: "leave the number out of the URL, or raise databases in its redis.conf"
        case .cluster: "name a Redis that is not a cluster with --redis"
        case .sentinel: "name the primary itself with --redis"
        case .old: "install Redis 7.0 or newer"
        case .replica: "name the primary with --redis"
        case .rights(let missing, let user): Self.remedy(missing, user, tool)
        case .takesNoWrites(let reason):
            reason.hasPrefix("OOM")
                ? "\(tool) CONFIG GET maxmemory, then CONFIG SET maxmemory to more than that"
                : "its log and INFO say why; make room, or bring the replicas back"
        case .wrongType(let key, _, _) where key.hasSuffix(":born"):
            // A new time would say that all before it was lost.
            "find out who wrote it, and put back what stood there, as a backup has it: \(tool) "
                + "SET \(RedisTool.word(key)) '0 1' if nothing was lost"
        case .wrongType(let key, _, _):
            "find out who writes it, then \(tool) RENAME \(RedisTool.word(key)) to another name"
        case .usedUp(let key):
            "find out who wrote the last ID, then \(tool) RENAME \(RedisTool.word(key)) to another "
                + "name and HDEL it from each saga:{…}:cursor"
        case .noSubscriptions: "name a Redis itself, not a proxy that has no channels"
        case .odd: "troupe doctor, and the log of Redis"
        }
    }

    private static func remedy(
        _ missing: RedisRights.Missing, _ user: String, _ tool: String
    ) -> String {
        if missing.rules.isEmpty { return "leave out rename-command for them in its redis.conf" }
        let rules = missing.rules.map(RedisTool.word)
        return "\(tool) ACL SETUSER \(RedisTool.word(user)) " + rules.joined(separator: " ")
    }
}
