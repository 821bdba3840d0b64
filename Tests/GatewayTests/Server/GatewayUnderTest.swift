import Gateway
import Logging
import Testing

/// A gateway on a free port, for the time of one test.
enum GatewayUnderTest {
    /// Runs a gateway of that configuration; `body` is told its port.
    static func with(
        _ yaml: String, cache: ResponseCache? = nil,
        _ body: (_ port: Int, _ cache: ResponseCache) async throws -> Void
    ) async throws {
        var configuration = try GatewayConfiguration(yaml: yaml, file: "test.yaml")
        configuration.server.port = 0
        configuration.server.eventLoops = 1
        let cache = cache ?? ResponseCache(configuration: configuration.cache)
        var logger = Logger(label: "gateway")
        logger.logLevel = .critical
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        let server = GatewayServer(
            configuration: configuration, cache: cache, logger: logger
        ) { port in
            continuation.yield(port)
        }
        let running = Task { try await server.run() }
        defer { running.cancel() }
        var iterator = ports.makeAsyncIterator()
        let port = try #require(await iterator.next())
        do {
            try await body(port, cache)
        } catch {
            running.cancel()
            _ = await running.result
            throw error
        }
        running.cancel()
        _ = await running.result
    }
}
