import Testing
import TroupeRedis
import TroupeRedisTestKit

/// What a test alters on its way to a real server is altered, or the test fails.
@Suite(.timeLimit(.minutes(1)))
struct TCPForwarderTests {
    @Test func whatIsFoundIsAltered() async throws {
        try await withForwarder { forwarder, redis in
            forwarder.alter { $0.replacing("sent", with: "kept") }
            _ = try await redis.send(.set("k", "sent"))
            forwarder.alter(nil)

            #expect(try await redis.send(.get("k")).string == "kept")
        }
    }

    @Test func anAlterationThatFindsNothingFailsTheTest() async throws {
        try await withForwarder { forwarder, redis in
            forwarder.alter { $0.replacing("absent", with: "common") }
            _ = try await redis.send(.set("k", "sent"))

            withKnownIssue { forwarder.alter(nil) }
        }
    }

    @Test func anAlterationOfTheLengthFailsTheTest() async throws {
        try await withForwarder { forwarder, redis in
            forwarder.alter { $0.replacing("sent", with: "longer") }
            _ = try await redis.send(.set("k", "sent"))

            withKnownIssue { forwarder.alter(nil) }
            #expect(try await redis.send(.get("k")).string == "sent", "it came as it was")
        }
    }

    private func withForwarder(
        _ body: (TCPForwarder, RedisClient) async throws -> Void
    ) async throws {
        let server = try await RedisServer.launch()
        let forwarder = try await TCPForwarder(to: server.port)
        let redis = server.client {
            $0.address = .tcp(host: "127.0.0.1", port: forwarder.port)
        }
        try await body(forwarder, redis)
        await redis.shutdown()
        await forwarder.stop()
        await server.stop()
    }
}
