import Logging
import Metrics
import Observability
import Redis
import ServiceHTTP

/// What every process has once: its metrics, its readiness, and the admin port that shows them.
final class Office: Sendable {
    let readiness: Readiness
    let server: AdminServer
    let registry: PrometheusRegistry

    /// The process's metrics all go here from now on, so this is made first, and once.
    init(admin port: Int, logger: Logger) {
        registry = PrometheusRegistry()
        registry.addProcessMetrics()
        MetricsSystem.bootstrap(PrometheusMetricsFactory(registry))
        readiness = Readiness()
        server = AdminServer(
            configuration: ServiceServerConfiguration(port: port), registry: registry,
            readiness: readiness, logger: logger)
    }

    /// Without this Redis the process is not ready.
    func watch(_ redis: RedisClient, as name: String) {
        readiness.add(
            Readiness.Check(name) { _ = try await redis.send(.ping, timeout: .seconds(1)) })
    }
}
