/// Where a server listens and what it puts up with.
public struct ServiceServerConfiguration: Sendable {
    /// The address to listen on.
    ///
    /// Loopback unless set otherwise.
    public var host = "127.0.0.1"
    /// The port; 0 lets the system choose one.
    public var port: Int
    /// The largest request body that is read, in bytes.
    public var bodySizeMaximum = 65_536
    /// The longest path with its query, in bytes.
    public var targetSizeMaximum = 8192
    /// The largest sum of all header fields, in bytes.
    public var headerSizeMaximum = 32_768
    /// Connections at a time; more wait in the backlog of the system.
    public var connectionsMaximum = 4096
    /// A connection is closed when nothing is asked on it, or an answer not taken, for this long.
    ///
    /// Longer than the minute that clients' pools commonly keep one, so that it is the client who
    /// closes, and no request meets a connection on its way out.
    public var idleTimeout: Duration = .seconds(75)
    /// A request's body must be there this long after its head.
    public var requestTimeout: Duration = .seconds(20)
    /// How long a graceful stop goes on accepting requests before it closes the port.
    ///
    /// For those who still send some: they have not heard yet that the process is not ready.
    public var grace: Duration = .zero
    /// How long a graceful stop then waits for requests under way before it cancels them.
    public var drainLimit: Duration = .seconds(3)

    /// The defaults above.
    public init(port: Int) {
        self.port = port
    }

    func validate() throws(ServiceHTTPError) {
        guard (0...65_535).contains(port) else {
            throw ServiceHTTPError(.invalidConfiguration, "port \(port) is not from 0 to 65535")
        }
        let sizes = [
            ("bodySizeMaximum", bodySizeMaximum), ("targetSizeMaximum", targetSizeMaximum),
            ("headerSizeMaximum", headerSizeMaximum), ("connectionsMaximum", connectionsMaximum),
        ]
        for (name, size) in sizes where size < 1 {
            throw ServiceHTTPError(.invalidConfiguration, "\(name) is \(size) and must be positive")
        }
        guard grace >= .zero, grace <= .seconds(86_400) else {
            throw ServiceHTTPError(
                .invalidConfiguration, "grace is \(grace) and must be from 0 to a day")
        }
        let times = [
            ("idleTimeout", idleTimeout), ("requestTimeout", requestTimeout),
            ("drainLimit", drainLimit),
        ]
        for (name, time) in times where time <= .zero || time > .seconds(86_400) {
            throw ServiceHTTPError(
                .invalidConfiguration, "\(name) is \(time) and must be positive and at most a day")
        }
    }

    /// Host and port as URLs write them: an IPv6 address stands in brackets.
    func authority(_ port: Int) -> String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
