import GatewayRedis
import Logging
import Metrics
import Observability
import ServiceHTTP
import Synchronization

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

    /// A gateway whose cache stays out of use while its Redis answers is not ready.
    func watch(_ feed: InvalidationFeed, on redis: RedisWatch) {
        let suspension = Episode()
        readiness.add(
            Readiness.Check(
                "feed", trouble: { suspension.trouble(unless: feed.isLive) },
                unless: { await redis.mayPass() }))
    }
}

/// Notes for how long something has been wrong, for what says only whether it is.
final class Episode: Sendable {
    private let began = Mutex<ContinuousClock.Instant?>(nil)

    func trouble(unless isWell: Bool, at now: ContinuousClock.Instant = .now) -> Trouble? {
        began.withLock { began in
            began = isWell ? nil : began ?? now
            return began.map {
                Trouble(
                    age: $0.duration(to: now),
                    reason: "events do not come, so the cache is not used")
            }
        }
    }
}
