public import ServiceHTTP

/// What the user service is told from outside.
public struct UserServerConfiguration: Sendable {
    /// Where it listens, 3001 unless set otherwise.
    public var http = ServiceServerConfiguration(port: 3001)

    /// Stands before every key, so that systems can share one Redis.
    public var namespace = ""

    /// The defaults above.
    public init() {}
}
