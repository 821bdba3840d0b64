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

        let redis = RedisServer.current.client()
        var said = 0
        // On a machine that has no time for it a trip is cancelled at its deadline, as it should.
        while said == 0, !Task.isCancelled {
            try await TripProgram.run(["book", "Rome"], redis: url)
            said = try await redis.send(.xlen("saga:{trips}:TripBooked")).integer ?? 0
        }
        await redis.shutdown()
        #expect(said == 1)
    }
}
