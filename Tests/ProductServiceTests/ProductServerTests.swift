import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import Redis
import RedisTestKit
import ServiceHTTP
import ServiceLifecycle
import Testing

@testable import ProductService

@Suite(.redisServer, .timeLimit(.minutes(1)))
struct ProductServerTests {
    @Test func aServerSeedsAndServesUntilItIsStopped() async throws {
        try await RedisServer.current.withKeyspace { redis, prefix in
            var configuration = ProductServerConfiguration()
            configuration.http.port = 0
            configuration.namespace = prefix
            let server = ProductServer(
                configuration: configuration, redis: redis, logger: .silent)
            let group = ServiceGroup(services: [server], logger: .silent)
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await group.run() }
                let client = JSONClient(
                    baseURL: "http://127.0.0.1:\(try await server.boundPort.value)")
                while try await client.get("/products/5").status != 200 {
                    await Task.yield()
                }
                await client.shutdown()
                await group.triggerGracefulShutdown()
                try await tasks.waitForAll()
            }
        }
    }

    @Test func withoutRedisTheAnswerIsComeBackLater() async throws {
        let server = try await RedisServer.launch()
        let redis = server.client()
        let store = ProductCatalog(redis: redis, namespace: "")
        await ProductSeed.plant(in: store, logger: .silent)
        let router = ProductRoutes(store: store).router(logger: .silent)
        try await Application(router: router, logger: .silent).test(.router) { client in
            #expect(try await client.execute(uri: "/products/1", method: .get).status == .ok)

            await server.kill()
            let start = ContinuousClock.now
            for path in ["/products/1", "/products"] {
                let away = try await client.execute(uri: path, method: .get)
                #expect(away.status == .serviceUnavailable)
                #expect(away.headers[.retryAfter] == "1")
            }
            #expect(ContinuousClock.now - start < .seconds(10))

            try await server.start()
            while try await client.execute(uri: "/products", method: .get).status != .ok {
                await Task.yield()
            }
        }
        await redis.shutdown()
        await server.stop()
    }
}
