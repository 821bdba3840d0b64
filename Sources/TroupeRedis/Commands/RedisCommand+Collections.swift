// Hashes, sets and sorted sets.

/// One end of a range of scores.
public enum RedisScoreBound: Sendable, Hashable {
    /// This score and those beyond.
    case including(Double)
    /// Those beyond this score.
    case excluding(Double)
    /// No bound.
    case infinite

    fileprivate func argument(isMinimum: Bool) -> RedisArgument {
        switch self {
        case .including(let score): .double(score)
        case .excluding(let score): .string("(\(score)")
        case .infinite: isMinimum ? "-inf" : "+inf"
        }
    }
}

extension RedisCommand {
    /// One field of a hash, or nil.
    public static func hget(_ key: String, _ field: String) -> RedisCommand {
        RedisCommand("HGET", [.string(key), .string(field)], isReadOnly: true)
    }

    /// Fields of a hash, nil for those that are not there.
    public static func hmget(_ key: String, _ fields: [String]) -> RedisCommand {
        RedisCommand(
            "HMGET", [.string(key)] + fields.map { .string($0) }, isReadOnly: true)
    }

    /// All fields of a hash; read the reply with `fields()`.
    public static func hgetall(_ key: String) -> RedisCommand {
        RedisCommand("HGETALL", [.string(key)], isReadOnly: true)
    }

    /// Writes fields of a hash.
    ///
    /// Returns how many are new.
    public static func hset(
        _ key: String, _ fields: KeyValuePairs<String, RedisArgument>
    ) -> RedisCommand {
        RedisCommand("HSET", [.string(key)] + fields.flatMap { [.string($0.key), $0.value] })
    }

    /// Writes fields of a hash.
    ///
    /// Returns how many are new.
    public static func hset(_ key: String, _ fields: [String: RedisArgument]) -> RedisCommand {
        RedisCommand("HSET", [.string(key)] + fields.flatMap { [.string($0.key), $0.value] })
    }

    /// Adds to an integer in a hash.
    ///
    /// Returns the new number.
    public static func hincrby(_ key: String, _ field: String, _ amount: Int) -> RedisCommand {
        RedisCommand("HINCRBY", [.string(key), .string(field), .integer(amount)])
    }

    /// Removes fields of a hash.
    ///
    /// Returns how many there were.
    public static func hdel(_ key: String, _ fields: [String]) -> RedisCommand {
        RedisCommand("HDEL", [.string(key)] + fields.map { .string($0) })
    }

    /// Adds members to a set.
    ///
    /// Returns how many are new.
    public static func sadd(_ key: String, _ members: [RedisArgument]) -> RedisCommand {
        RedisCommand("SADD", [.string(key)] + members)
    }

    /// Removes members of a set.
    ///
    /// Returns how many there were.
    public static func srem(_ key: String, _ members: [RedisArgument]) -> RedisCommand {
        RedisCommand("SREM", [.string(key)] + members)
    }

    /// All members of a set.
    public static func smembers(_ key: String) -> RedisCommand {
        RedisCommand("SMEMBERS", [.string(key)], isReadOnly: true)
    }

    /// 1 if the set has the member, else 0.
    public static func sismember(_ key: String, _ member: RedisArgument) -> RedisCommand {
        RedisCommand("SISMEMBER", [.string(key), member], isReadOnly: true)
    }

    /// Adds members with scores, or changes their scores.
    ///
    /// Returns how many are new.
    public static func zadd(
        _ key: String, _ members: [(score: Double, member: RedisArgument)]
    ) -> RedisCommand {
        RedisCommand("ZADD", [.string(key)] + members.flatMap { [.double($0.score), $0.member] })
    }

    /// Adds one member with its score, or changes its score.
    public static func zadd(
        _ key: String, score: Double, _ member: RedisArgument
    ) -> RedisCommand {
        RedisCommand("ZADD", [.string(key), .double(score), member])
    }

    /// Removes members of a sorted set.
    ///
    /// Returns how many there were.
    public static func zrem(_ key: String, _ members: [RedisArgument]) -> RedisCommand {
        RedisCommand("ZREM", [.string(key)] + members)
    }

    /// Number of members.
    public static func zcard(_ key: String) -> RedisCommand {
        RedisCommand("ZCARD", [.string(key)], isReadOnly: true)
    }

    /// A member's score, or nil.
    public static func zscore(_ key: String, _ member: RedisArgument) -> RedisCommand {
        RedisCommand("ZSCORE", [.string(key), member], isReadOnly: true)
    }

    /// Members by rank, from 0; -1 is the last one.
    public static func zrange(
        _ key: String, _ first: Int, _ last: Int, isReversed: Bool = false,
        withScores: Bool = false
    ) -> RedisCommand {
        var arguments: [RedisArgument] = [.string(key), .integer(first), .integer(last)]
        if isReversed { arguments.append("REV") }
        if withScores { arguments.append("WITHSCORES") }
        return RedisCommand("ZRANGE", arguments, isReadOnly: true)
    }

    /// Members whose score lies in a range, lowest first, or highest first if reversed.
    ///
    /// - Parameter limit: how many to skip, and how many to answer at most.
    public static func zrangeByScore(
        _ key: String, _ minimum: RedisScoreBound, _ maximum: RedisScoreBound,
        isReversed: Bool = false, limit: (offset: Int, count: Int)? = nil,
        withScores: Bool = false
    ) -> RedisCommand {
        let bounds = [
            minimum.argument(isMinimum: true), maximum.argument(isMinimum: false),
        ]
        var arguments: [RedisArgument] =
            [.string(key)] + (isReversed ? bounds.reversed() : bounds)
        arguments.append("BYSCORE")
        if isReversed { arguments.append("REV") }
        if let limit { arguments += ["LIMIT", .integer(limit.offset), .integer(limit.count)] }
        if withScores { arguments.append("WITHSCORES") }
        return RedisCommand("ZRANGE", arguments, isReadOnly: true)
    }

    /// Removes members whose score lies in a range.
    ///
    /// Returns how many there were.
    public static func zremrangeByScore(
        _ key: String, _ minimum: RedisScoreBound, _ maximum: RedisScoreBound
    ) -> RedisCommand {
        RedisCommand(
            "ZREMRANGEBYSCORE",
            [
                .string(key), minimum.argument(isMinimum: true),
                maximum.argument(isMinimum: false),
            ])
    }

    /// How many members have a score in a range.
    public static func zcount(
        _ key: String, _ minimum: RedisScoreBound, _ maximum: RedisScoreBound
    ) -> RedisCommand {
        RedisCommand(
            "ZCOUNT",
            [
                .string(key), minimum.argument(isMinimum: true),
                maximum.argument(isMinimum: false),
            ], isReadOnly: true)
    }
}
