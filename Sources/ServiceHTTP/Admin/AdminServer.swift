import HTTPTypes
import Hummingbird
public import Logging
import Metrics
import NIOCore
public import Observability
public import ServiceLifecycle

/// Serves what operators ask for: `/metrics`, `/livez` and `/readyz`, on loopback by default.
///
/// `/livez` answers as long as the process does. `/readyz` runs the checks: 200 if all are well,
/// 503 if not or while the process stops; `?verbose` lists them. A process that serves without
/// something that it can do without is ready, and says what that is. Probes are not logged.
///
/// Start it first, so that it stops last.
public struct AdminServer: Service {
    /// What `/metrics` shows.
    public let registry: PrometheusRegistry
    /// What `/readyz` asks; checks are added to it.
    public let readiness: Readiness
    private let server: ServiceServer

    /// The port, once the server listens.
    public var boundPort: BoundPort { server.boundPort }

    /// Sets up what a process has once, and makes the server that shows it.
    ///
    /// From here on whatever counts through swift-metrics is counted here, so make it before
    /// anything that does, and once: a second call ends the process. The limit of open files is
    /// raised as far as the user may.
    public static func bootstrap(
        _ configuration: ServiceServerConfiguration, logger: Logger
    ) -> AdminServer {
        DescriptorLimit.raise()
        let registry = PrometheusRegistry()
        registry.addProcessMetrics()
        MetricCatalogue.describe(in: registry)
        MetricsSystem.bootstrap(PrometheusMetricsFactory(registry))
        return AdminServer(
            configuration: configuration, registry: registry, readiness: Readiness(),
            logger: logger)
    }

    /// A server for a process whose metrics go elsewhere too, or that has several of them.
    public init(
        configuration: ServiceServerConfiguration, registry: PrometheusRegistry,
        readiness: Readiness, logger: Logger
    ) {
        registry.describe(
            "http_server_request_duration_seconds",
            "Time from a request's head to its answer, by service, route and status.")
        self.registry = registry
        self.readiness = readiness
        self.server = ServiceServer(
            name: "admin", configuration: configuration,
            router: Self.router(registry: registry, readiness: readiness, logger: logger),
            logger: logger)
    }

    /// Serves until the graceful stop.
    public func run() async throws {
        try await server.run()
    }

    static func router(
        registry: PrometheusRegistry, readiness: Readiness, logger: Logger
    ) -> ServiceRouter {
        let router = ServiceRouter(service: "admin", logger: logger, isLogged: false)
        router.get("/metrics") { _, _ in
            text(.ok, ByteBuffer(bytes: registry.text()), type: PrometheusRegistry.contentType)
        }
        router.get("/livez") { _, _ in
            text(.ok, ByteBuffer(string: "ok\n"))
        }
        router.get("/readyz") { request, _ in
            let isVerbose = try request.readQuery { $0.has("verbose") }
            let findings = await readiness.findings()
            let isReady = findings.allSatisfy { $0.fault == nil }
            return text(
                isReady ? .ok : .serviceUnavailable,
                ByteBuffer(string: report(findings, isReady: isReady, isVerbose: isVerbose)))
        }
        return router
    }

    /// The form that Kubernetes made known.
    ///
    /// What is wrong is always said.
    private static func report(
        _ findings: [Readiness.Finding], isReady: Bool, isVerbose: Bool
    ) -> String {
        var lines: [String] = []
        for finding in findings {
            if let fault = finding.fault {
                lines.append("[-]\(finding.name) failed: \(fault)")
            } else if let impairment = finding.impairment {
                lines.append("[~]\(finding.name) degraded: \(impairment)")
            } else if isVerbose {
                lines.append("[+]\(finding.name) ok")
            }
        }
        if isVerbose {
            lines.append(isReady ? "readyz check passed" : "readyz check failed")
        } else if isReady {
            lines.append(findings.contains { $0.impairment != nil } ? "degraded" : "ok")
        }
        return lines.map { $0 + "\n" }.joined()
    }

    private static func text(
        _ status: HTTPResponse.Status, _ body: ByteBuffer,
        type: String = "text/plain; charset=utf-8"
    ) -> Response {
        Response(
            status: status, headers: [.contentType: type, .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: body))
    }
}
