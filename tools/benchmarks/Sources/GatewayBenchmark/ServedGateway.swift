import Foundation
import Gateway
import Logging
import Metrics
import Observability

/// The gateway under test, metrics on as in production, in a process of its own.
enum ServedGateway {
    static func run(originPort: Int) async throws {
        MetricsSystem.bootstrap(PrometheusMetricsFactory(PrometheusRegistry()))
        let configuration = try GatewayConfiguration(
            yaml: """
                server: {port: 0, event_loops: 1}
                upstreams: {shop: {targets: ["http://127.0.0.1:\(originPort)"]}}
                routes:
                  - name: order-details
                    path: /orders/{id}/details
                    upstream: shop
                    cache: {ttl: 1h, jitter: 0%, scope: shared, tags: ["order:{id}"]}
                  - {name: order, path: "/orders/{id}", upstream: shop}
                """, file: "benchmark.yaml")
        let server = GatewayServer(
            configuration: configuration, cache: ResponseCache(configuration: configuration.cache),
            logger: Logger(label: "gateway")
        ) { port in
            FileHandle.standardOutput.write(Data("listening \(port)\n".utf8))
        }
        try await server.run()
    }
}
