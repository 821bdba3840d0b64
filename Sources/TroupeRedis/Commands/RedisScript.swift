/// A Lua script, sent by its digest and in full only when the server does not know it.
///
/// The source must be constant: what varies travels in keys and arguments.
public struct RedisScript: Sendable, Hashable {
    /// The Lua text.
    public let source: String
    /// The hexadecimal SHA-1 under which the server remembers the script.
    public let sha1: String

    /// Takes a script's text and computes its digest.
    public init(_ source: String) {
        self.source = source
        sha1 = ScriptDigest.hexadecimal(of: source.utf8)
    }

    func command(
        _ name: String, _ script: String, keys: [String], arguments: [RedisArgument],
        isReadOnly: Bool = false
    ) -> RedisCommand {
        var all: [RedisArgument] = []
        all.reserveCapacity(2 + keys.count + arguments.count)
        all.append(.string(script))
        all.append(.integer(keys.count))
        for key in keys { all.append(.string(key)) }
        all.append(contentsOf: arguments)
        return RedisCommand(name, all, isReadOnly: isReadOnly)
            .ordered(with: keys.first.map { .string($0) })
    }
}

extension RedisCommand {
    /// Runs a script by its digest; the server answers `NOSCRIPT` if it does not know it.
    public static func evalsha(
        _ script: RedisScript, keys: [String], arguments: [RedisArgument]
    ) -> RedisCommand {
        script.command("EVALSHA", script.sha1, keys: keys, arguments: arguments)
    }

    /// Runs a script by its text, after which the server knows its digest too.
    public static func eval(
        _ script: RedisScript, keys: [String], arguments: [RedisArgument]
    ) -> RedisCommand {
        script.command("EVAL", script.source, keys: keys, arguments: arguments)
    }

    /// `EVALSHA` with keys and arguments that are encoded already.
    public static func evalsha(
        _ script: RedisScript, keys: RedisArguments, arguments: RedisArguments
    ) -> RedisCommand {
        RedisCommand(
            "EVALSHA", [.string(script.sha1), .integer(keys.count)], followedBy: [keys, arguments])
    }

    /// `EVAL` with keys and arguments that are encoded already.
    public static func eval(
        _ script: RedisScript, keys: RedisArguments, arguments: RedisArguments
    ) -> RedisCommand {
        RedisCommand(
            "EVAL", [.string(script.source), .integer(keys.count)], followedBy: [keys, arguments])
    }

    /// Makes the server know a script; use it before a batch that runs scripts by digest.
    public static func scriptLoad(_ script: RedisScript) -> RedisCommand {
        RedisCommand("SCRIPT", ["LOAD", .string(script.source)])
    }
}
