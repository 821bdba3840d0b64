import Logging
import Saga
import SagaRedis
import Testing
import TroupeRedis
import TroupeRedisTestKit

/// What `troupe init` writes as a program, on a real Redis.
@Suite(.redisServer, .timeLimit(.minutes(2)))
struct TripProgramTests {
    @Test func itRunsItsServicesAndBooks() async throws {
        let url = RedisServer.current.url
        let serving = Task { try await TripProgram.run([], redis: url) }
        defer { serving.cancel() }

        try await TripProgram.run(["book", "Rome"], redis: url)

        let redis = RedisServer.current.client()
        let said = try await redis.send(.xlen("saga:{trips}:TripBooked")).integer
        await redis.shutdown()
        #expect(said == 1)
    }
}
