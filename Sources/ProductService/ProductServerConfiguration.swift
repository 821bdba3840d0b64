public import ServiceHTTP

/// What the product service is told from outside.
public struct ProductServerConfiguration: Sendable {
    /// Where it listens, 3002 unless set otherwise.
    public var http = ServiceServerConfiguration(port: 3002)

    /// Stands before every key, so that systems can share one Redis.
    public var namespace = ""

    /// The defaults above.
    public init() {}
}
