import Metrics
import Observability
import Testing
import TroupeRedisTestKit

@testable import Gateway

/// Series cost memory in each scrape, so that a gateway has those of what happened.
@Suite(.timeLimit(.minutes(1)))
struct RouteMetricsTests {
    private static let names = [
        "gateway_requests_total", "gateway_cache_total", "gateway_request_duration_seconds_count",
    ]

    /// Thirty routes, on a registry that has no room for a series of everything they could answer.
    private static func gateway() throws -> (PrometheusRegistry, RequestPhases) {
        let routes = (1...30).map { number in
            "  - {name: r\(number), path: /r\(number), methods: [GET, POST], upstream: shop}"
        }
        let yaml = """
            upstreams: {shop: {targets: ["http://127.0.0.1:1"]}}
            routes:
            \(routes.joined(separator: "\n"))
            """
        let configuration = try GatewayConfiguration(yaml: yaml, file: "test.yaml")
        var limits = PrometheusRegistry.Configuration()
        limits.seriesPerMetricMaximum = 1_000
        let registry = PrometheusRegistry(configuration: limits)
        let phases = try withMetricsFactory(PrometheusMetricsFactory(registry)) {
            try RequestPhases(
                configuration, cache: ResponseCache(configuration: configuration.cache),
                upstreams: UpstreamDirectory([], eventLoops: [], logger: .silent), logger: .silent)
        }
        return (registry, phases)
    }

    /// The lines of some metrics, without their values.
    private static func series(_ registry: PrometheusRegistry) -> [String] {
        String(decoding: registry.text(), as: UTF8.self).split(separator: "\n")
            .filter { line in names.contains { line.hasPrefix("\($0){") } }
            .map { String($0.prefix { $0 != " " }) }.sorted()
    }

    @Test func anIdleGatewayHasNoSeriesOfItsRoutes() throws {
        let (registry, phases) = try Self.gateway()

        #expect(phases.routes.count == 30)
        #expect(Self.series(registry).isEmpty)
        #expect(!String(decoding: registry.text(), as: UTF8.self).contains("_overflow"))
    }

    @Test func whatHappenedHasASeriesAndNothingElse() throws {
        let (registry, phases) = try Self.gateway()
        withMetricsFactory(PrometheusMetricsFactory(registry)) {
            for _ in 0..<3 {
                phases.routes[0].metrics.count(.get, status: 200, cache: .hit, nanoseconds: 1)
            }
            phases.routes[29].metrics.count(.post, status: 507, cache: nil, nanoseconds: 1)
        }
        let text = String(decoding: registry.text(), as: UTF8.self)

        #expect(
            Self.series(registry) == [
                #"gateway_cache_total{outcome="hit",route="r1"}"#,
                #"gateway_request_duration_seconds_count{route="r1"}"#,
                #"gateway_request_duration_seconds_count{route="r30"}"#,
                #"gateway_requests_total{method="GET",route="r1",status="200"}"#,
                #"gateway_requests_total{method="POST",route="r30",status="5xx"}"#,
            ])
        #expect(text.contains(#"gateway_requests_total{method="GET",route="r1",status="200"} 3"#))
        #expect(!text.contains("_overflow"))
    }

    @Test func everythingThatThirtyRoutesCanAnswerFits() throws {
        let (registry, phases) = try Self.gateway()
        withMetricsFactory(PrometheusMetricsFactory(registry)) {
            for route in phases.routes {
                for status in [200, 404, 499, 502, 503, 504] {
                    route.metrics.count(.get, status: status, cache: nil, nanoseconds: 1)
                }
            }
        }
        let requests = Self.series(registry).filter { $0.hasPrefix("gateway_requests_total") }

        #expect(requests.count == 180)
        #expect(!requests.contains { $0.contains("_overflow") })
    }
}
