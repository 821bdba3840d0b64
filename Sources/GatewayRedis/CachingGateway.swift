public import Gateway
public import Logging
public import ServiceLifecycle
public import TroupeRedis

/// A gateway with both levels of its cache and the feed that invalidates them.
///
///     events ──▶ InvalidationFeed ──▶ ResponseCache ──▶ GatewayServer ──▶ client
///     (saga Redis)                     L1 │ │ L2
///                                 memory ─┘ └─ RedisSecondLevelCache (cache Redis)
///
/// These belong together: a cache without its feed would never be told of a change. Nothing is
/// answered from memory before the feed runs, so run all of ``services``.
public struct CachingGateway: Sendable {
    /// Takes answers out of the cache; its status says whether that is in use.
    public let feed: InvalidationFeed
    /// Answers clients.
    public let server: GatewayServer

    /// What has to run, in the order of the start: the server stops first.
    ///
    /// The clients of Redis are not among them, as others may use them too: run those before.
    public var services: [any Service] { [feed, server] }

    /// A gateway that begins to listen when its ``services`` are run.
    ///
    /// - Parameters:
    ///   - redis: where the cache lives.
    ///   - events: where events are published, if that is another one.
    ///   - namespace: what stands before every key and channel, as it does for the sagas.
    ///   - grace: how long a graceful stop goes on accepting requests before it closes the port.
    public init(
        _ configuration: GatewayConfiguration, redis: RedisClient, events: RedisClient? = nil,
        namespace: String = "", grace: Duration = .zero, logger: Logger
    ) {
        let events = events ?? redis
        let secondLevel = RedisSecondLevelCache(
            redis: redis, events: events,
            configuration: SecondLevelConfiguration(namespace: namespace), logger: logger)
        let cache = ResponseCache(configuration: configuration.cache, secondLevel: secondLevel)
        feed = InvalidationFeed(
            cache: cache, redis: events, rules: configuration.invalidation,
            configuration: InvalidationFeedConfiguration(namespace: namespace), logger: logger)
        server = GatewayServer(
            configuration: configuration, cache: cache, grace: grace, logger: logger)
    }
}
