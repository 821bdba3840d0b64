import ProductService
import ServiceHTTP
import Testing
import TroupeRedis
import TroupeRedisTestKit

@Suite(.redisServer, .timeLimit(.minutes(1)))
struct ProductServerTests {
    @Test func newSystemHasSomeProducts() async throws {
        try await RedisServer.current.withKeyspace { redis, prefix in
            var configuration = ProductServerConfiguration()
            configuration.http.port = 0
            configuration.namespace = prefix
            let server = ProductServer(
                configuration: configuration, redis: redis,
                logger: .silent)
            let running = Task { try await server.run() }
            let client = JSONClient(
                baseURL: "http://127.0.0.1:\(try await server.boundPort.value)")
            try await eventually("the first is there") {
                try await client.get("/products/1").status == 200
            }

            struct List: Decodable {
                struct Item: Decodable {
                    var id: String
                }
                var items: [Item]
            }
            let list = try await client.get("/products").decode(List.self)
            #expect(list.items.map(\.id) == ["5", "4", "3", "2", "1"])
            await client.shutdown()
            running.cancel()
            _ = await running.result
        }
    }
}
