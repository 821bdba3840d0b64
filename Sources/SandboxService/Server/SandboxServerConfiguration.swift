public import ServiceHTTP

/// Where the sandbox listens and keeps its books.
public struct SandboxServerConfiguration: Sendable {
    /// Where it listens, and its limits.
    public var http: ServiceServerConfiguration
    /// The file of its books; created if missing, in a folder that exists.
    public var path: String
    /// How long a request that is never answered is held before its connection is closed.
    public var silence: Duration = .seconds(30)

    /// Whether empty books begin with the charge and the parcel of the order that a new system
    /// shows, so that its money and parcels add up from the start.
    public var isSeeded = true

    /// Port 3007 unless set otherwise.
    public init(path: String, port: Int = 3007) {
        self.path = path
        self.http = ServiceServerConfiguration(port: port)
    }
}
