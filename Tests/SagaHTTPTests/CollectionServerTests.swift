import Logging
import SagaHTTP
import ServiceHTTP
import ServiceLifecycle
import Testing
import Timekeeping
import TroupeRedis
import TroupeRedisTestKit

@Suite(.timeLimit(.minutes(1)))
struct CollectionServerTests {
    /// It seeds and serves, is away while Redis is, and ends when it is told to.
    @Test func serverOutlivesTheLossOfRedis() async throws {
        let logger = Logger.silent
        let redis = try await RedisServer.launch()
        let client = redis.client()
        let server = CollectionServer<Note>(
            ServiceServerConfiguration(port: 0), namespace: "",
            seeds: [.init(id: "1", Note("seeded"), createdAt: Timestamp(milliseconds: 1))],
            redis: client, logger: logger)
        let group = ServiceGroup(services: [server], logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            let web = JSONClient(
                baseURL: "http://127.0.0.1:\(try await server.boundPort.value)",
                timeout: .seconds(10))
            try await found("/notes/1", by: web)

            await redis.kill()
            for path in ["/notes/1", "/notes"] {
                let away = try await web.get(path)
                #expect(away.status == 503)
                #expect(away.problem?.detail == "The notes cannot be reached now.")
            }
            try await redis.start()
            try await found("/notes", by: web)

            await web.shutdown()
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
        await client.shutdown()
        await redis.stop()
    }

    private func found(_ path: String, by web: JSONClient) async throws {
        try await eventually("\(path) is found") { try await web.get(path).status == 200 }
    }
}
