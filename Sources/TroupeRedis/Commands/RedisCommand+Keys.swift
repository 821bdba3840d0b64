// Keys and strings.

/// When a value is written, and how long it lives.
public struct RedisSetOptions: Sendable, Hashable {
    /// Which present state allows the write.
    public enum Condition: Sendable, Hashable {
        /// Only if there is no such key.
        case absent
        /// Only if there is such a key.
        case present
    }

    /// Nil writes in any case.
    ///
    /// A refused write is answered by nil.
    public var condition: Condition?
    /// How long the value lives; nil means for ever.
    public var timeToLive: Duration?
    /// Returns the old value instead of `OK`.
    public var returnsOldValue: Bool

    /// Writes in any case and for ever unless told otherwise.
    public init(
        condition: Condition? = nil, timeToLive: Duration? = nil, returnsOldValue: Bool = false
    ) {
        self.condition = condition
        self.timeToLive = timeToLive
        self.returnsOldValue = returnsOldValue
    }

    fileprivate var arguments: [RedisArgument] {
        var arguments: [RedisArgument] = []
        if let condition { arguments.append(condition == .absent ? "NX" : "XX") }
        if returnsOldValue { arguments.append("GET") }
        if let timeToLive { arguments += ["PX", .milliseconds(timeToLive)] }
        return arguments
    }
}

extension RedisArgument {
    /// A span of time in whole milliseconds, at least one, as Redis refuses zero.
    public static func milliseconds(_ duration: Duration) -> RedisArgument {
        let (seconds, attoseconds) = duration.components
        return .integer(max(1, Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000)))
    }
}

extension RedisCommand {
    /// The value of a key, or nil.
    public static func get(_ key: String) -> RedisCommand {
        RedisCommand("GET", [.string(key)], isReadOnly: true)
    }

    /// The values of several keys, nil for those that are not there.
    public static func mget(_ keys: [String]) -> RedisCommand {
        RedisCommand("MGET", keys.map { .string($0) }, isReadOnly: true)
    }

    /// Writes a key.
    public static func set(
        _ key: String, _ value: RedisArgument, _ options: RedisSetOptions = RedisSetOptions()
    ) -> RedisCommand {
        RedisCommand("SET", [.string(key), value] + options.arguments)
    }

    /// Adds to an integer; a missing key counts as 0.
    ///
    /// Returns the new number.
    public static func incrby(_ key: String, _ amount: Int) -> RedisCommand {
        RedisCommand("INCRBY", [.string(key), .integer(amount)])
    }

    /// Adds 1 to an integer.
    ///
    /// Returns the new number.
    public static func incr(_ key: String) -> RedisCommand {
        RedisCommand("INCR", [.string(key)])
    }

    /// Removes keys.
    ///
    /// Returns how many there were.
    public static func del(_ keys: String...) -> RedisCommand { del(keys) }

    /// Removes keys.
    ///
    /// Returns how many there were.
    public static func del(_ keys: [String]) -> RedisCommand {
        RedisCommand("DEL", keys.map { .string($0) })
    }

    /// Removes keys and frees their memory in the background.
    public static func unlink(_ keys: [String]) -> RedisCommand {
        RedisCommand("UNLINK", keys.map { .string($0) })
    }

    /// How many of the keys are there.
    public static func exists(_ keys: String...) -> RedisCommand {
        RedisCommand("EXISTS", keys.map { .string($0) }, isReadOnly: true)
    }

    /// Lets a key end after a time.
    ///
    /// Returns 0 if there is no such key.
    public static func expire(_ key: String, after duration: Duration) -> RedisCommand {
        RedisCommand("PEXPIRE", [.string(key), .milliseconds(duration)])
    }

    /// Milliseconds a key has left; -1 if it does not end, -2 if there is none.
    public static func pttl(_ key: String) -> RedisCommand {
        RedisCommand("PTTL", [.string(key)], isReadOnly: true)
    }

    /// Takes a key's end away.
    public static func persist(_ key: String) -> RedisCommand {
        RedisCommand("PERSIST", [.string(key)])
    }

    /// What kind of value a key holds; `none` if there is no such key.
    public static func type(_ key: String) -> RedisCommand {
        RedisCommand("TYPE", [.string(key)], isReadOnly: true)
    }

    /// A part of the keys, with the cursor to go on; `0` begins and ends.
    public static func scan(
        _ cursor: String, match pattern: String? = nil, count: Int? = nil, type: String? = nil
    ) -> RedisCommand {
        var arguments: [RedisArgument] = [.string(cursor)]
        if let pattern { arguments += ["MATCH", .string(pattern)] }
        if let count { arguments += ["COUNT", .integer(count)] }
        if let type { arguments += ["TYPE", .string(type)] }
        return RedisCommand("SCAN", arguments, isReadOnly: true)
    }

    /// Makes the next `exec` of this lease fail if one of the keys changes before it.
    package static func watch(_ keys: [String]) -> RedisCommand {
        RedisCommand("WATCH", keys.map { .string($0) })
    }

    /// Forgets what was watched.
    package static var unwatch: RedisCommand { RedisCommand("UNWATCH", []) }

    /// Opens a transaction; send it and its `exec` in one batch.
    public static var multi: RedisCommand { RedisCommand("MULTI", []) }

    /// Runs a transaction.
    ///
    /// Returns one value for each command, errors in place; nil if a watched key has changed.
    public static var exec: RedisCommand { RedisCommand("EXEC", []) }
}
