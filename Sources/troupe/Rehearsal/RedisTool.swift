import TroupeRedis

/// `redis-cli` with what it has to be told to reach one Redis, as a person would type it.
///
/// Never a password: that is asked for, or stands in the variable `REDISCLI_AUTH`.
struct RedisTool {
    let configuration: RedisConfiguration

    /// As whoever may do everything there, which the user of our address mostly may not.
    var administration: String { (["redis-cli"] + place).joined(separator: " ") }

    /// As the user of our address.
    var watching: String {
        let user = configuration.username.map { ["--user", Self.word($0)] } ?? []
        // Without it, redis-cli names no user at all.
        let question = configuration.password == nil ? [] : ["--askpass"]
        return (["redis-cli"] + place + user + question).joined(separator: " ")
    }

    private var place: [String] {
        var words: [String] = []
        switch configuration.address {
        case .tcp("127.0.0.1", 6379): break
        case .tcp(let host, let port): words += ["-h", Self.word(host), "-p", String(port)]
        case .unix(let path): words += ["-s", Self.word(path)]
        }
        if configuration.database != 0 { words += ["-n", String(configuration.database)] }
        if let tls = configuration.tls {
            words.append("--tls")
            if let file = tls.authorityFile { words += ["--cacert", Self.word(file)] }
        }
        return words
    }

    /// One word of a command line, in quotes where a shell would read more into it.
    static func word(_ text: String) -> String {
        let isPlain = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"),
                UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "/"), UInt8(ascii: ":"):
                true
            default: false
            }
        }
        if isPlain, !text.isEmpty { return text }
        return "'" + text.replacing("'", with: #"'\''"#) + "'"
    }
}
