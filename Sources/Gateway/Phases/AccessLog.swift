import Logging

/// A request that has been answered, as it is counted and logged.
struct EndedRequest {
    var route: CompiledRoute?
    var method: RequestMethod
    var status: Int
    var cacheStatus: CacheStatus?
    var bytes: Int
    var nanoseconds: Int64
}

/// Writes one line for each request, and for a share of those that memory answered.
struct AccessLog: Sendable {
    private let logger: Logger
    private let isEnabled: Bool
    /// One hit of so many is logged; 0 for none.
    private let hitInterval: UInt64

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
        _ ended: EndedRequest, path: @autoclosure () -> String, name: @autoclosure () -> String,
        upstream: String?
    ) {
        guard isEnabled else { return }
        var metadata: Logger.Metadata = [
            "route": .string(ended.route?.name ?? "none"),
            "method": .string(ended.method.rawValue), "path": .string(String(path().prefix(256))),
            "status": .stringConvertible(ended.status),
            "duration_us": .stringConvertible(ended.nanoseconds / 1000),
            "bytes": .stringConvertible(ended.bytes), "request_id": .string(name()),
        ]
        if let cache = ended.cacheStatus { metadata["cache"] = .string(cache.outcome) }
        if let upstream { metadata["upstream"] = .string(upstream) }
        logger.info("request answered", metadata: metadata)
    }
}
