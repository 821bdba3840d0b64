import Gateway
import Logging
import Testing
import TroupeRedisTestKit

/// A gateway on a free port, for the time of one test.
struct GatewayUnderTest {
    let port: Int
    let cache: ResponseCache
    let running: Task<Void, any Error>

    /// Starts a gateway of that configuration; cancelling `running` stops it.
    static func start(
        _ yaml: String, logger: Logger? = nil, secondLevel: (any SecondLevelCache)? = nil
    ) async throws -> GatewayUnderTest {
        var configuration = try GatewayConfiguration(yaml: yaml, file: "test.yaml")
        configuration.server.port = 0
        configuration.server.eventLoops = 1
        let cache = ResponseCache(
            configuration: configuration.cache, secondLevel: secondLevel)
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        let server = GatewayServer(
            configuration: configuration, cache: cache, logger: logger ?? .silent
        ) { port in
            continuation.yield(port)
        }
        let running = Task { try await server.run() }
        var iterator = ports.makeAsyncIterator()
        let port = try #require(await iterator.next())
        return GatewayUnderTest(port: port, cache: cache, running: running)
    }

    /// Runs a gateway for as long as `body` takes.
    static func with(
        _ yaml: String, logger: Logger? = nil, secondLevel: (any SecondLevelCache)? = nil,
        _ body: (_ port: Int, _ cache: ResponseCache) async throws -> Void
    ) async throws {
        let gateway = try await start(yaml, logger: logger, secondLevel: secondLevel)
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(gateway.port, gateway.cache))
        } catch {
            result = .failure(error)
        }
        gateway.running.cancel()
        _ = await gateway.running.result
        try result.get()
    }
}
