/// All that the gateway is told: where it listens, what it routes where, what it keeps.
///
/// A value without behaviour. `init(yaml:file:)` reads it from a file and is the one place that
/// judges it, so whatever holds one may trust names, references and numbers.
public struct GatewayConfiguration: Sendable {
    /// Where and how clients are served.
    public var server = ServerConfiguration()
    /// Who answers, by name, in the order of the file.
    public var upstreams: [UpstreamConfiguration] = []
    /// What is answered, in the order of the file.
    public var routes: [RouteConfiguration] = []
    /// What is kept of answers.
    public var cache = CacheConfiguration()
    /// Which events take answers away.
    public var invalidation: [InvalidationRule] = []
    /// Where in the file each of it stands.
    var places = ConfigurationPlaces()

    init() {}
}

/// Where and how clients are served.
public struct ServerConfiguration: Sendable, Equatable {
    /// The address listened on.
    public var host = "127.0.0.1"
    /// The port listened on; 0 takes a free one.
    public var port = 3000
    /// Threads that serve; `nil` takes one for each core.
    public var eventLoops: Int?
    /// Connections held at once; more are closed as they come.
    public var connections = 10_000
    /// Bytes of answers that clients have not taken and that are kept for them alone.
    ///
    /// With more, the connections that wait for most are ended.
    public var unsentLimit = 256 * 1024 * 1024
    /// Bytes that the system holds of one connection, sent and not acknowledged ones too; `nil`
    /// lets it grow as the line allows.
    ///
    /// No connection gets more than this in the time of a way there and back. A system rounds it
    /// and has a limit of its own, such as `net.core.wmem_max`.
    public var sendBuffer: Int?
    /// Sizes of requests.
    public var limits = RequestLimits()
    /// Time for a head to arrive, from its first byte.
    public var headerTimeout = Duration.seconds(10)
    /// Time for a body to arrive, from the end of its head.
    public var bodyTimeout = Duration.seconds(30)
    /// Time a kept connection may be silent between requests.
    public var idleTimeout = Duration.seconds(60)
    /// Time in which a client must take some of an answer.
    public var writeTimeout = Duration.seconds(30)
    /// Time that answers under way get when the gateway stops.
    public var drainTimeout = Duration.seconds(3)
    /// What is logged of requests.
    public var accessLog = AccessLogConfiguration()

    /// The settings that are documented beside each field.
    public init() {}
}

/// What is logged of requests.
public struct AccessLogConfiguration: Sendable, Equatable {
    /// Whether anything is.
    public var isEnabled = true
    /// The share of answers from memory that are logged, from 0 to 1; others always are.
    public var hitShare = 0.0

    /// Logging of everything but hits.
    public init() {}
}

/// Several servers that give the same answers, and how they are called.
public struct UpstreamConfiguration: Sendable, Equatable {
    /// Its name, unique in a configuration.
    public var name: String
    /// Its servers, at least one; calls go round.
    public var targets: [UpstreamTarget]
    /// Time for a connection to be made.
    public var connectTimeout = Duration.milliseconds(500)
    /// Time for a try that another one follows, connecting included.
    public var perTryTimeout = Duration.seconds(2)
    /// Time for a call with all its tries and waiting.
    public var timeout = Duration.seconds(5)
    /// How often an idempotent call is tried, 1 for once.
    public var attempts = 2
    /// The share of calls that may be second tries, from 0 to 1; three at once always may.
    public var retryBudget = 0.2
    /// Connections to each target from each event loop.
    public var connections = 64
    /// Calls that wait for one of those connections.
    public var waiting = 1024
    /// Time an unused connection is kept.
    public var idleTimeout = Duration.seconds(10)
    /// Bytes of an answer's header fields.
    public var headerLimit = 32 * 1024
    /// Bytes of an answer's body.
    public var bodyLimit = 4 * 1024 * 1024

    /// Calls with the limits documented beside each field.
    public init(name: String, targets: [UpstreamTarget]) {
        self.name = name
        self.targets = targets
    }
}

/// One server of an upstream.
public struct UpstreamTarget: Sendable, Hashable {
    /// Host name or address.
    public var host: String
    /// TCP port.
    public var port: Int

    /// The server at that address.
    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// `host:port`, as it stands in the Host field.
    public var authority: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// One public path and what answers it.
public struct RouteConfiguration: Sendable {
    /// Who makes the answer.
    public enum Source: Sendable {
        /// One upstream, asked at `path`.
        case upstream(String, path: UpstreamPath)
        /// Several parts, put together.
        case aggregate(AggregationPlan)
    }

    /// Its name in logs and metrics, unique in a configuration.
    public var name: String
    /// The path it answers, with parameters.
    public var path: PathPattern
    /// The methods it answers.
    public var methods: [RequestMethod]
    /// Who makes the answer.
    public var source: Source
    /// Time for the whole answer.
    public var timeout = Duration.seconds(10)
    /// How answers are kept, if they are.
    public var cache: CachePolicy?
    /// What a kept answer depends on; parts of an aggregate add theirs.
    public var tags: [TagTemplate] = []
    /// What a successful request through this route takes out of the cache.
    public var invalidates: [TagTemplate] = []
}
