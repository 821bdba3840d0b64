import ArgumentParser
import Logging
import Observability
import TroupeRedis

/// Which Redis, and under which prefix: the same for every subcommand.
struct RedisOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "redis://, rediss:// or unix:// (REDIS_URL; default redis://127.0.0.1:6379).",
            valueName: "url"))
    var redis: String?

    @Option(
        help: ArgumentHelp(
            "Stands before every key and channel, so that two systems can share one Redis "
                + "(TROUPE_NAMESPACE; default none).",
            valueName: "name"))
    var namespace: String?

    init() {}

    /// As if they had been given so.
    init(_ redis: String?, _ namespace: String?) {
        self.redis = redis
        self.namespace = namespace
    }

    static let defaultURL = "redis://127.0.0.1:6379"

    func address(in environment: EnvironmentOptions) throws(CommandFailure) -> RedisAddress {
        let url = environment.text(redis, "REDIS_URL") ?? Self.defaultURL
        return try RedisAddress(url: url, source: redis == nil ? "REDIS_URL" : "--redis")
    }

    /// Letters, digits, `.`, `_` and `-` only: a namespace becomes part of patterns.
    func namespace(in environment: EnvironmentOptions) throws(CommandFailure) -> String? {
        guard let name = environment.text(namespace, "TROUPE_NAMESPACE") else { return nil }
        let isPlain = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "-"):
                true
            default: false
            }
        }
        guard isPlain, name.utf8.count <= 64 else {
            throw CommandFailure(
                .usage, "the namespace may hold up to 64 letters, digits, dots, dashes and _ only")
        }
        return name
    }
}

/// How this process logs: the same for every subcommand.
struct LogOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "trace, debug, info, notice, warning, error or critical (LOG_LEVEL).",
            valueName: "level"))
    var logLevel: String?

    @Option(help: ArgumentHelp("logfmt or json (LOG_FORMAT).", valueName: "format"))
    var logFormat: String?

    /// Tools that talk to a person stay quiet unless asked; services say what they do.
    func configuration(
        in environment: EnvironmentOptions, default level: Logger.Level
    ) throws(CommandFailure) -> LogConfiguration {
        var configuration = LogConfiguration()
        configuration.level = try environment.choice(
            logLevel, "LOG_LEVEL", flag: "--log-level", default: level)
        configuration.format = try environment.choice(
            logFormat, "LOG_FORMAT", flag: "--log-format", default: .logfmt)
        return configuration
    }

    /// Sends the logs of this process to standard error.
    func bootstrap(
        in environment: EnvironmentOptions, default level: Logger.Level
    ) throws(CommandFailure) -> Logger {
        let configuration = try configuration(in: environment, default: level)
        LoggingSystem.bootstrap { label in
            LineLogHandler(label: label, configuration: configuration)
        }
        return Logger(label: "troupe")
    }
}

/// A Redis URL that has been understood, and what may be shown of it.
struct RedisAddress: Sendable {
    let url: String
    let configuration: RedisConfiguration

    init(url: String, source: String) throws(CommandFailure) {
        self.url = url
        do {
            configuration = try RedisConfiguration(url: url)
        } catch {
            throw CommandFailure(
                .usage, "\(source): \(error.message)",
                remedy: "--redis \(RedisOptions.defaultURL)")
        }
    }

    /// Without user and password.
    var shown: String {
        switch configuration.address {
        case .tcp(let host, let port):
            "\(configuration.tls == nil ? "redis" : "rediss")://"
                + (host.contains(":") ? "[\(host)]" : host) + ":\(port)"
        case .unix(let path): "unix://\(path)"
        }
    }

    /// The port at which we may start a server of our own if none answers: only on this
    /// machine, and only if the address asks for nothing that ours would not have.
    var portForOwnServer: Int? {
        guard case .tcp(let host, let port) = configuration.address,
            ["127.0.0.1", "localhost"].contains(host), configuration.tls == nil,
            configuration.username == nil, configuration.password == nil
        else { return nil }
        return port
    }
}
