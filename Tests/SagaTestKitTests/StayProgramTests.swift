import Hummingbird
import JSONText
import Logging
import NIOCore
import Saga
import SagaRedis
import ServiceHTTP
import Synchronization
import Testing
import TroupeRedis
import TroupeRedisTestKit

/// The program that the README and the pages of the libraries show, on a real Redis.
///
/// It sets up the metrics of the process, which no other test does.
@Suite(.redisServer, .timeLimit(.minutes(2)))
struct StayProgramTests {
    /// What stands behind the gateway: says how often it was asked.
    private static func desk(logger: Logger) -> ServiceServer {
        let asked = Atomic(0)
        let router = ServiceRouter(service: "desk", logger: logger)
        router.get("/stays/{id}") { _, _ in
            let count = asked.add(1, ordering: .relaxed).newValue
            return .json { $0.set("asked", count) }
        }
        return ServiceServer(
            name: "desk", configuration: ServiceServerConfiguration(port: 0), router: router,
            logger: logger)
    }

    private static func gateway(port: Int, desk: Int) -> String {
        """
        server: {port: \(port), event_loops: 1}
        upstreams:
          desk: {targets: ["http://127.0.0.1:\(desk)"]}
        routes:
          - {name: stay, path: "/stays/{id}", upstream: desk,
             cache: {ttl: 1h, scope: shared, tags: ["stay:{id}"]}}
        invalidation:
          on:
            - {service: desk, events: [StayAgreed], tags: ["stay:{subject}"]}
        """
    }

    private struct Answer: Decodable {
        var asked: Int
    }

    private static func text(_ client: JSONClient, _ path: String) async throws -> String {
        String(buffer: try await client.get(path).body)
    }

    /// How often the service behind was asked when this answer was made; nil if there is none yet.
    private static func asked(_ client: JSONClient) async -> Int? {
        try? await client.get("/stays/1").decode(Answer.self).asked
    }

    /// Until two answers in a row are the same one.
    private static func kept(_ client: JSONClient) async -> Int? {
        while !Task.isCancelled {
            if let count = await asked(client), await asked(client) == count { return count }
        }
        return nil
    }

    @Test func eventsOfItsSagasTakeAnswersAwayAndItsAdminPortSaysHowItIs() async throws {
        let url = RedisServer.current.url
        let (admin, port) = (try FreePort.find(), try FreePort.find())
        let logger = Logger(label: "test")
        let desk = Self.desk(logger: logger)
        let behind = Task { try await desk.run() }
        defer { behind.cancel() }
        let yaml = Self.gateway(port: port, desk: try await desk.boundPort.value)
        let program = Task {
            try await StayProgram.run(redis: url, gateway: yaml, admin: admin)
        }
        defer { program.cancel() }
        let client = JSONClient(baseURL: "http://127.0.0.1:\(port)")
        let probe = JSONClient(baseURL: "http://127.0.0.1:\(admin)")

        let before = try #require(await Self.kept(client))
        let redis = RedisServer.current.client()
        let stays = try SagaRuntime(StaySaga.desk, redis: redis, logger: logger)
        _ = try await stays.begin("1", StayAsked(city: "Rome"))
        #expect(try await stays.outcome(of: "1", within: .seconds(50)) == .completed)
        while await Self.asked(client) == before, !Task.isCancelled {}

        let ready = try await Self.text(probe, "/readyz?verbose")
        #expect(
            ready == "[+]desk ok\n[+]hotel ok\n[+]cache ok\nreadyz check passed\n")
        let metrics = try await Self.text(probe, "/metrics")
        for name in ["gateway_requests_total", "saga_transitions_total", "redis_commands_total"] {
            #expect(metrics.contains("# HELP \(name) "), "explained")
            #expect(metrics.contains("\n\(name){"), "counted")
        }
        await redis.shutdown()
        await client.shutdown()
        await probe.shutdown()
    }
}
