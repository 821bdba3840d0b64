// Publishing, and the server itself.

extension RedisCommand {
    /// Publishes a message.
    ///
    /// Returns how many subscribers this server passed it to.
    public static func publish(_ channel: String, _ payload: RedisArgument) -> RedisCommand {
        RedisCommand("PUBLISH", [.string(channel), payload])
    }

    /// `PONG` when the server takes commands.
    public static var ping: RedisCommand { RedisCommand("PING", [], isReadOnly: true) }

    /// Facts and figures of the server, lines of `name:value`; see `infoFields()`.
    public static func info(_ sections: String...) -> RedisCommand {
        RedisCommand("INFO", sections.map { .string($0) }, isReadOnly: true)
    }

    /// Settings of the server, names and values; read the reply with `fields()`.
    package static func configGet(_ names: String...) -> RedisCommand {
        RedisCommand("CONFIG", ["GET"] + names.map { .string($0) }, isReadOnly: true)
    }

    /// Changes a setting until the server ends.
    package static func configSet(_ name: String, _ value: RedisArgument) -> RedisCommand {
        RedisCommand("CONFIG", ["SET", .string(name), value])
    }

    /// The server's clock: seconds, and microseconds beside them.
    public static var time: RedisCommand { RedisCommand("TIME", [], isReadOnly: true) }

    /// Number of keys in the database.
    package static var dbsize: RedisCommand { RedisCommand("DBSIZE", [], isReadOnly: true) }
}

extension RedisValue {
    /// The lines of `INFO` as names and values, its headings left out.
    ///
    /// - Throws: `unexpectedReply` if the reply is not text.
    public func infoFields() throws(RedisError) -> [String: String] {
        var fields: [String: String] = [:]
        let text = try requireString()
        for line in text.split(whereSeparator: \.isNewline) where line.first != "#" {
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { fields[String(parts[0])] = String(parts[1]) }
        }
        return fields
    }
}
