public import ServiceHTTP

/// Where the sandbox listens and keeps its books.
public struct SandboxServerConfiguration: Sendable {
    /// Where it listens, and its limits.
    public var http: ServiceServerConfiguration
    /// The file of its books; created if missing, in a folder that exists.
    public var path: String
    /// How long a request that is never answered is held before its connection is closed.
    public var silence: Duration = .seconds(30)

    /// Port 3007 unless set otherwise.
    public init(path: String, port: Int = 3007) {
        self.path = path
        self.http = ServiceServerConfiguration(port: port)
    }
}
