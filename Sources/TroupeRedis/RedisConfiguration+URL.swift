// redis://[user[:password]@]host[:port][/database]
// rediss://…                                        the same over TLS
// unix://[user[:password]@]/path/to/socket[?db=n]
//
// User and password are percent-decoded. A lone name before `@` without `:` is a user; a
// password alone is written `:password@`.

extension RedisConfiguration {
    /// Reads an address in the usual URL form.
    ///
    /// - Parameter url: `redis://`, `rediss://` (TLS) or `unix://`, with user, password and
    ///   database as `redis-cli -u` takes them.
    /// - Throws: `invalidConfiguration` naming the part that is wrong, never the password.
    public init(url: String) throws(RedisError) {
        self.init()
        guard let separator = url.firstRange(of: "://") else { throw Self.invalid("the scheme") }
        let scheme = url[..<separator.lowerBound].lowercased()
        var rest = url[separator.upperBound...]
        if let at = rest.lastIndex(of: "@") {
            try readCredentials(rest[..<at])
            rest = rest[rest.index(after: at)...]
        }
        switch scheme {
        case "redis":
            try readHost(rest)
        case "rediss":
            tls = TLS()
            try readHost(rest)
        case "unix", "redis+unix":
            try readSocket(rest)
        default:
            throw Self.invalid("the scheme, which is redis, rediss or unix")
        }
        self = try validated()
    }

    private mutating func readCredentials(_ text: Substring) throws(RedisError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let user = try Self.decoded(parts[0], "the user")
        if !user.isEmpty { username = user }
        if parts.count == 2 { password = try Self.decoded(parts[1], "the password") }
    }

    private mutating func readHost(_ text: Substring) throws(RedisError) {
        let (place, query) = Self.cut(text, at: "?")
        try readQuery(query)
        let (authority, path) = Self.cut(place, at: "/")
        if let path, !path.isEmpty { try readDatabase(path) }
        var host = authority
        var port: Substring?
        if authority.first == "[" {
            guard let bracket = authority.lastIndex(of: "]") else { throw Self.invalid("the host") }
            host = authority[authority.index(after: authority.startIndex)..<bracket]
            let behind = authority[authority.index(after: bracket)...]
            guard behind.isEmpty || behind.first == ":" else { throw Self.invalid("the port") }
            port = behind.isEmpty ? nil : behind.dropFirst()
        } else {
            (host, port) = Self.cut(authority, at: ":")
        }
        guard let number = port.map({ Int($0) }) ?? 6379 else { throw Self.invalid("the port") }
        address = .tcp(host: host.isEmpty ? "127.0.0.1" : String(host), port: number)
    }

    private mutating func readSocket(_ text: Substring) throws(RedisError) {
        let (path, query) = Self.cut(text, at: "?")
        try readQuery(query)
        address = .unix(path: try Self.decoded(path, "the socket path"))
    }

    private mutating func readQuery(_ query: Substring?) throws(RedisError) {
        for item in (query ?? "").split(separator: "&") {
            let (name, value) = Self.cut(item, at: "=")
            guard name == "db", let value else { throw Self.invalid("the query, which is db=…") }
            try readDatabase(value)
        }
    }

    private mutating func readDatabase(_ text: Substring) throws(RedisError) {
        guard let number = Int(text) else { throw Self.invalid("the database") }
        database = number
    }

    private static func cut(
        _ text: Substring, at mark: Character
    ) -> (Substring, Substring?) {
        guard let place = text.firstIndex(of: mark) else { return (text, nil) }
        return (text[..<place], text[text.index(after: place)...])
    }

    private static func decoded(_ text: Substring, _ part: String) throws(RedisError) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let code = Substring(rest.prefix(2))
            guard code.utf8.count == 2, code.allSatisfy(\.isHexDigit),
                let value = UInt8(code, radix: 16)
            else { throw invalid(part) }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw invalid(part) }
        return text
    }

    private static func invalid(_ part: String) -> RedisError {
        RedisError(.invalidConfiguration, "the Redis URL is wrong in \(part)")
    }
}
