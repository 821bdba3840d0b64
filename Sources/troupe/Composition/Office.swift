import Gateway
import GatewayRedis
import Logging
import Metrics
import Observability
import ServiceHTTP

/// What every process has once: its metrics, its readiness, and the admin port that shows them.
final class Office: Sendable {
    let readiness: Readiness
    let server: AdminServer
    let registry: PrometheusRegistry

    /// The process's metrics all go here from now on, so this is made first, and once.
    init(admin configuration: ServiceServerConfiguration, logger: Logger) {
        DescriptorLimit.raise()
        registry = PrometheusRegistry()
        registry.addProcessMetrics()
        MetricCatalogue.describe(in: registry)
        MetricsSystem.bootstrap(PrometheusMetricsFactory(registry))
        readiness = Readiness()
        server = AdminServer(
            configuration: configuration, registry: registry, readiness: readiness,
            logger: logger)
    }

    /// Readiness goes by what can be done on a Redis.
    ///
    /// - Parameter degrades: what may pass by itself makes the process slower and no worse.
    func watch(_ redis: RedisWatch, as name: String, degrades: Bool) {
        readiness.add(Readiness.Check(name) { try await redis.verify(degrades: degrades) })
    }

    /// A gateway whose cache stays out of use while its Redis works is not ready.
    func watch(_ feed: InvalidationFeed, on redis: RedisWatch) {
        readiness.add(
            .feed(status: { feed.status }, unless: { await redis.mayPass() }))
    }
}

extension Readiness.Check {
    /// A check that fails when a gateway's cache cannot come back into use.
    ///
    /// All gateways see the same Redis, so what passes by itself must not make them all unready at
    /// once: a cache that is held after a gap only degrades, and patience begins anew when Redis
    /// works again.
    static func feed(
        status: @escaping @Sendable () -> FeedStatus,
        unless isBearable: @escaping @Sendable () async -> Bool
    ) -> Readiness.Check {
        let lasting = Readiness.Check(
            "feed",
            trouble: {
                guard case .suspended(let since, let reason) = status() else { return nil }
                return Trouble(age: Moment.now() - since, reason: reason)
            }, unless: isBearable)
        return Readiness.Check(lasting.name) {
            if case .held(_, let reason) = status() { throw Readiness.Degraded(reason) }
            try await lasting.verify()
        }
    }
}
