// Streams and their consumer groups.

/// Which entries a stream keeps.
public struct RedisStreamTrim: Sendable, Hashable {
    fileprivate let arguments: [RedisArgument]

    /// The newest entries.
    ///
    /// Approximate trimming keeps up to a hundred more and is far cheaper.
    public static func newest(_ count: Int, isExact: Bool = false) -> RedisStreamTrim {
        RedisStreamTrim(arguments: ["MAXLEN", isExact ? "=" : "~", .integer(count)])
    }

    /// Entries from an ID on.
    public static func from(_ id: String, isExact: Bool = false) -> RedisStreamTrim {
        RedisStreamTrim(arguments: ["MINID", isExact ? "=" : "~", .string(id)])
    }
}

extension RedisCommand {
    /// Appends an entry.
    ///
    /// Returns its ID, or nil if the stream was not to be made.
    ///
    /// - Parameters:
    ///   - id: `*` lets the server choose.
    ///   - makesStream: false leaves a stream that does not exist alone.
    public static func xadd(
        _ key: String, id: String = "*", _ fields: KeyValuePairs<String, RedisArgument>,
        trim: RedisStreamTrim? = nil, makesStream: Bool = true
    ) -> RedisCommand {
        var arguments: [RedisArgument] = [.string(key)]
        if !makesStream { arguments.append("NOMKSTREAM") }
        if let trim { arguments += trim.arguments }
        arguments.append(.string(id))
        for (name, value) in fields { arguments += [.string(name), value] }
        return RedisCommand("XADD", arguments)
    }

    /// Number of entries.
    public static func xlen(_ key: String) -> RedisCommand {
        RedisCommand("XLEN", [.string(key)], isReadOnly: true)
    }

    /// Entries between two IDs, oldest first; read the reply with `streamEntries()`.
    public static func xrange(
        _ key: String, from first: String = "-", to last: String = "+", count: Int? = nil
    ) -> RedisCommand {
        RedisCommand(
            "XRANGE", [.string(key), .string(first), .string(last)] + Self.count(count),
            isReadOnly: true)
    }

    /// Entries between two IDs, newest first; read the reply with `streamEntries()`.
    public static func xrevrange(
        _ key: String, from last: String = "+", to first: String = "-", count: Int? = nil
    ) -> RedisCommand {
        RedisCommand(
            "XREVRANGE", [.string(key), .string(last), .string(first)] + Self.count(count),
            isReadOnly: true)
    }

    /// Entries behind the given IDs; read the reply with `streams()`.
    ///
    /// - Parameters:
    ///   - streams: keys, each with the last ID seen.
    ///   - block: waits this long for entries; only on a lease. Zero waits for ever.
    public static func xread(
        _ streams: [(key: String, after: String)], count: Int? = nil, block: Duration? = nil
    ) -> RedisCommand {
        var arguments = Self.count(count) + Self.block(block)
        arguments.append("STREAMS")
        arguments += streams.map { .string($0.key) } + streams.map { .string($0.after) }
        return RedisCommand("XREAD", arguments, isReadOnly: true)
            .ordered(with: streams.first.map { .string($0.key) })
    }

    /// Entries for one consumer of a group; read the reply with `streams()`.
    ///
    /// - Parameters:
    ///   - streams: keys, each with `>` for entries nobody has got, or with an ID for those
    ///     behind it that this consumer has not acknowledged.
    ///   - block: waits this long for entries; only on a lease. Zero waits for ever.
    public static func xreadGroup(
        _ group: String, _ consumer: String, _ streams: [(key: String, after: String)],
        count: Int? = nil, block: Duration? = nil
    ) -> RedisCommand {
        var arguments: [RedisArgument] = ["GROUP", .string(group), .string(consumer)]
        arguments += Self.count(count) + Self.block(block)
        arguments.append("STREAMS")
        arguments += streams.map { .string($0.key) } + streams.map { .string($0.after) }
        return RedisCommand("XREADGROUP", arguments)
            .ordered(with: streams.first.map { .string($0.key) })
    }

    /// Entries for one consumer of a group, nobody else has got before.
    public static func xreadGroup(
        _ group: String, _ consumer: String, keys: [String], count: Int? = nil,
        block: Duration? = nil
    ) -> RedisCommand {
        xreadGroup(group, consumer, keys.map { ($0, ">") }, count: count, block: block)
    }

    /// Acknowledges entries.
    ///
    /// Returns how many were pending.
    public static func xack(_ key: String, _ group: String, _ ids: [String]) -> RedisCommand {
        RedisCommand("XACK", [.string(key), .string(group)] + ids.map { .string($0) })
    }

    /// Takes over entries that nobody acknowledged for some time; read the reply with
    /// `streamClaim()`.
    ///
    /// - Parameter onlyIDs: returns IDs instead of entries, and leaves the delivery count alone.
    public static func xautoclaim(
        _ key: String, _ group: String, _ consumer: String, idle: Duration,
        from cursor: String = "0-0", count: Int? = nil, onlyIDs: Bool = false
    ) -> RedisCommand {
        let idle = idle == .zero ? RedisArgument.integer(0) : .milliseconds(idle)
        return RedisCommand(
            "XAUTOCLAIM",
            [.string(key), .string(group), .string(consumer), idle, .string(cursor)]
                + Self.count(count) + (onlyIDs ? ["JUSTID"] : []))
    }

    /// Takes over these entries; read the reply with `streamEntries()`.
    ///
    /// - Parameters:
    ///   - idle: only entries nobody touched for this long.
    ///   - onlyIDs: returns IDs instead of entries, and leaves the delivery count alone; so a
    ///     running consumer renews its lease.
    public static func xclaim(
        _ key: String, _ group: String, _ consumer: String, idle: Duration, _ ids: [String],
        onlyIDs: Bool = false
    ) -> RedisCommand {
        let idle = idle == .zero ? RedisArgument.integer(0) : .milliseconds(idle)
        return RedisCommand(
            "XCLAIM",
            [.string(key), .string(group), .string(consumer), idle]
                + ids.map { .string($0) } + (onlyIDs ? ["JUSTID"] : []))
    }

    /// How much is pending in a group: number, first ID, last ID, and the consumers with
    /// their numbers.
    public static func xpending(_ key: String, _ group: String) -> RedisCommand {
        RedisCommand("XPENDING", [.string(key), .string(group)], isReadOnly: true)
    }

    /// Pending entries one by one; read the reply with `pendingEntries()`.
    public static func xpending(
        _ key: String, _ group: String, idle: Duration? = nil, from first: String = "-",
        to last: String = "+", count: Int, consumer: String? = nil
    ) -> RedisCommand {
        var arguments: [RedisArgument] = [.string(key), .string(group)]
        if let idle { arguments += ["IDLE", .milliseconds(idle)] }
        arguments += [.string(first), .string(last), .integer(count)]
        if let consumer { arguments.append(.string(consumer)) }
        return RedisCommand("XPENDING", arguments, isReadOnly: true)
    }

    /// Makes a group, and its stream if need be.
    ///
    /// `BUSYGROUP` means that it was there before.
    public static func xgroupCreate(
        _ key: String, _ group: String, from id: String = "0", makesStream: Bool = true
    ) -> RedisCommand {
        RedisCommand(
            "XGROUP",
            ["CREATE", .string(key), .string(group), .string(id)]
                + (makesStream ? ["MKSTREAM"] : [])
        ).ordered(with: .string(key))
    }

    /// Moves a group's place in its stream.
    public static func xgroupSetID(
        _ key: String, _ group: String, to id: String
    ) -> RedisCommand {
        RedisCommand("XGROUP", ["SETID", .string(key), .string(group), .string(id)])
            .ordered(with: .string(key))
    }

    /// Removes a consumer with all that is pending for it.
    ///
    /// Returns how much that was.
    public static func xgroupDelConsumer(
        _ key: String, _ group: String, _ consumer: String
    ) -> RedisCommand {
        RedisCommand("XGROUP", ["DELCONSUMER", .string(key), .string(group), .string(consumer)])
            .ordered(with: .string(key))
    }

    /// A stream's groups, each a list of names and values.
    public static func xinfoGroups(_ key: String) -> RedisCommand {
        RedisCommand("XINFO", ["GROUPS", .string(key)], isReadOnly: true)
            .ordered(with: .string(key))
    }

    /// A group's consumers, each a list of names and values.
    public static func xinfoConsumers(_ key: String, _ group: String) -> RedisCommand {
        RedisCommand("XINFO", ["CONSUMERS", .string(key), .string(group)], isReadOnly: true)
            .ordered(with: .string(key))
    }

    /// Facts about a stream, a list of names and values.
    public static func xinfoStream(_ key: String) -> RedisCommand {
        RedisCommand("XINFO", ["STREAM", .string(key)], isReadOnly: true)
            .ordered(with: .string(key))
    }

    /// Drops old entries.
    ///
    /// Returns how many.
    public static func xtrim(_ key: String, _ trim: RedisStreamTrim) -> RedisCommand {
        RedisCommand("XTRIM", [.string(key)] + trim.arguments)
    }

    /// Removes entries.
    ///
    /// Returns how many there were.
    public static func xdel(_ key: String, _ ids: [String]) -> RedisCommand {
        RedisCommand("XDEL", [.string(key)] + ids.map { .string($0) })
    }

    private static func count(_ count: Int?) -> [RedisArgument] {
        count.map { ["COUNT", .integer($0)] } ?? []
    }

    private static func block(_ block: Duration?) -> [RedisArgument] {
        block.map { ["BLOCK", $0 == .zero ? .integer(0) : .milliseconds($0)] } ?? []
    }
}
