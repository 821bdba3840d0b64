import Logging

/// A request that has been answered, or given up, as it is counted and logged.
struct EndedRequest {
    /// What was asked; costs nothing until it is logged.
    enum Asked {
        case head(RequestHead)
        /// Bytes that are not a request.
        case refused(RefusedHead)

        /// Whether no body is wanted.
        var isHead: Bool {
            switch self {
            case .head(let head): head.method == .head
            case .refused(let head): head.method == RequestMethod.head.rawValue
            }
        }
    }

    var route: CompiledRoute?
    var asked: Asked
    var status: Int
    var cacheStatus: CacheStatus?
    var bytes: Int
    var nanoseconds: Int64

    /// The method that it counts under.
    var method: RequestMethod {
        if case .head(let head) = asked { head.method } else { .get }
    }
}

/// Writes one line for each request, and for a share of those that memory answered.
///
/// `client` is who asked as far as the gateway knows, `peer` the other end of the connection, and
/// `forwarded_for` what the request says about who asked before, which anybody can say.
struct AccessLog: Sendable {
    private let logger: Logger
    private let isEnabled: Bool
    /// One hit of so many is logged; 0 for none.
    private let hitInterval: UInt64

    /// Characters of what a client sent; more is cut.
    private static let longest = 256

    init(_ configuration: AccessLogConfiguration, logger: Logger) {
        self.logger = logger
        isEnabled = configuration.isEnabled && logger.logLevel <= .info
        hitInterval =
            configuration.hitShare > 0 ? UInt64((1 / configuration.hitShare).rounded()) : 0
    }

    /// Whether the hit of that number is to be logged.
    func wantsHit(_ number: UInt64) -> Bool {
        isEnabled && hitInterval > 0 && number % hitInterval == 0
    }

    func write(
        _ ended: EndedRequest, of connection: ConnectionIdentity,
        name: @autoclosure () -> String, upstream: String?
    ) {
        guard isEnabled else { return }
        var metadata: Logger.Metadata = [
            "route": .string(ended.route?.name ?? "none"),
            "client": .string(connection.peer), "peer": .string(connection.authority),
            "status": .stringConvertible(ended.status),
            "duration_us": .stringConvertible(ended.nanoseconds / 1000),
            "bytes": .stringConvertible(ended.bytes), "request_id": .string(name()),
        ]
        func add(_ name: String, _ text: String?) {
            if let text { metadata[name] = .string(String(text.prefix(Self.longest))) }
        }
        switch ended.asked {
        case .head(let head):
            add("method", head.method.rawValue)
            add("path", head.target.text)
            add("host", head.first(.host))
            add("user_agent", head.joined("user-agent"))
            add("forwarded_for", head.joined("x-forwarded-for"))
        case .refused(let head):
            add("method", head.method)
            add("path", head.target)
            add("host", head.host)
            add("user_agent", head.userAgent)
        }
        if let cache = ended.cacheStatus { metadata["cache"] = .string(cache.outcome) }
        if let upstream { metadata["upstream"] = .string(upstream) }
        logger.info("request answered", metadata: metadata)
    }
}
