import Gateway
import GatewayRedis
import Logging
import ServiceLifecycle
import TroupeRedis

/// A gateway with both levels of its cache and the feed that invalidates them.
///
///     events ──▶ InvalidationFeed ──▶ ResponseCache ──▶ GatewayServer ──▶ client
///     (saga Redis)                     L1 │ │ L2
///                                 memory ─┘ └─ RedisSecondLevelCache (cache Redis)
enum CacheAndGateway {
    struct Running {
        var all: [any Service]
        var feed: InvalidationFeed
        var server: GatewayServer
    }

    static func services(
        _ configuration: GatewayConfiguration, cache redis: RedisClient, events: RedisClient,
        namespace: String, grace: Duration, logger: Logger
    ) -> Running {
        let secondLevel = RedisSecondLevelCache(
            redis: redis, events: events,
            configuration: SecondLevelConfiguration(namespace: namespace), logger: logger)
        let cache = ResponseCache(configuration: configuration.cache, secondLevel: secondLevel)
        let feed = InvalidationFeed(
            cache: cache, redis: events, rules: configuration.invalidation,
            configuration: InvalidationFeedConfiguration(namespace: namespace), logger: logger)
        let server = GatewayServer(
            configuration: configuration, cache: cache, grace: grace, logger: logger)
        return Running(all: [redis, feed, server], feed: feed, server: server)
    }
}
