/// Where a server is and how to treat it.
public struct RedisConfiguration: Sendable {
    /// Where the server listens.
    public enum Address: Sendable, Hashable {
        /// A host name or an IP address, and a port.
        case tcp(host: String, port: Int)
        /// A unix domain socket.
        case unix(path: String)
    }

    /// How a connection is encrypted.
    public struct TLS: Sendable, Hashable {
        /// A PEM file of the authorities trusted; nil trusts those of the system.
        public var authorityFile: String?
        /// The name the certificate must bear; nil takes the host of the address.
        public var serverName: String?
        /// False accepts any certificate, which protects from nobody who can interfere.
        public var verifiesCertificate = true

        /// Trusts the system's authorities.
        public init() {}
    }

    /// The server's place; `127.0.0.1:6379` unless set.
    public var address = Address.tcp(host: "127.0.0.1", port: 6379)
    /// Nil means unencrypted.
    public var tls: TLS?
    /// The ACL user; nil means `default`.
    public var username: String?
    /// Sent with AUTH when set.
    public var password: String?
    /// The number of the database selected.
    public var database = 0
    /// What `CLIENT LIST` shows; only letters, digits and `.-_:` are kept.
    public var clientName = "troupe"

    /// Connections that all callers share, 1 to 4.
    ///
    /// With one, all commands are executed in the order they were sent; with more, those whose
    /// first key is the same.
    public var sharedConnections = 1
    /// Connections that can be on lease at the same time, for WATCH and blocking commands.
    package var leasedConnections = 16

    /// How long a command may take from the call to its reply, if the call does not say.
    public var commandTimeout = Duration.seconds(5)
    /// How long the network, TLS and the greeting may take together.
    public var connectTimeout = Duration.seconds(5)
    /// How long a command waits for a lost connection before it fails as not sent.
    public var disconnectedWait = Duration.milliseconds(250)
    /// When a reply is overdue this long, the connection is given up.
    public var replyLimit = Duration.seconds(15)

    /// The pause before the first attempt to connect again is random up to this.
    public var reconnectDelayMinimum = Duration.milliseconds(50)
    /// No pause between attempts is longer than this.
    public var reconnectDelayMaximum = Duration.seconds(1)

    /// Commands sent and not answered, for each connection; more wait for their turn.
    public var commandsInFlight = 4096
    /// Commands waiting for their turn, for each connection; more fail as `overloaded`.
    public var commandsWaiting = 65_536
    /// Bytes handed to the network and not taken by it yet; commands wait above this.
    public var bytesQueued = 4 * 1024 * 1024
    /// A larger reply is a protocol violation.
    public var replyBytesMaximum = 512 * 1024 * 1024

    /// How often the subscription connection asks for a sign of life.
    ///
    /// It counts as interrupted when none came for twice as long.
    public var heartbeat = Duration.seconds(1)

    /// A server on this machine at the usual port.
    public init() {}
}

extension RedisConfiguration {
    /// Finds the first setting that cannot work.
    func validated() throws(RedisError) -> RedisConfiguration {
        func check(_ holds: Bool, _ message: String) throws(RedisError) {
            if !holds { throw RedisError(.invalidConfiguration, message) }
        }
        if case .tcp(let host, let port) = address {
            try check(!host.isEmpty, "the host of the Redis address is empty")
            try check((1...65535).contains(port), "the port of the Redis address is not 1…65535")
        }
        if case .unix(let path) = address {
            try check(!path.isEmpty && path.utf8.count < 104, "the socket path is unusable")
        }
        try check((0...65535).contains(database), "the database is not 0…65535")
        try check((1...4).contains(sharedConnections), "sharedConnections is not 1…4")
        try check((1...1024).contains(leasedConnections), "leasedConnections is not 1…1024")
        try check(commandsInFlight > 0, "commandsInFlight is not positive")
        try check(commandsWaiting > 0, "commandsWaiting is not positive")
        try check(bytesQueued > 0, "bytesQueued is not positive")
        try check(replyBytesMaximum > 0, "replyBytesMaximum is not positive")
        for (duration, name) in [
            (commandTimeout, "commandTimeout"), (connectTimeout, "connectTimeout"),
            (disconnectedWait, "disconnectedWait"), (replyLimit, "replyLimit"),
            (reconnectDelayMinimum, "reconnectDelayMinimum"), (heartbeat, "heartbeat"),
        ] {
            try check(duration > .zero, "\(name) is not positive")
        }
        try check(
            reconnectDelayMaximum >= reconnectDelayMinimum,
            "reconnectDelayMaximum is below reconnectDelayMinimum")
        return self
    }

    /// The client name without what Redis refuses in one.
    var permittedClientName: String {
        String(
            clientName.filter { $0.isASCII && ($0.isLetter || $0.isNumber || ".-_:".contains($0)) })
    }
}
