import Logging
import Saga
import SagaTestKit
import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import SagaRedis

/// Since when there is data, as Redis keeps it.
@Suite(.redisServer, .timeLimit(.minutes(2)))
struct BirthNoteTests {
    private let names = SagaKeys(namespace: "n\(UInt32.random(in: .min ... .max))")

    private func withNote(
        _ body: (RedisClient, BirthNote) async throws -> Void
    ) async throws {
        let redis = RedisServer.current.client()
        try await body(redis, BirthNote(redis, names, service: "s"))
        await redis.shutdown()
    }

    private func now(_ redis: RedisClient) async throws -> Int64 {
        let parts = try await redis.send(.time).strings().compactMap { $0.flatMap { Int64($0) } }
        return parts[0] * 1000 + parts[1] / 1000
    }

    @Test func anEmptyRedisIsBornNowAndStaysSo() async throws {
        try await withNote { redis, note in
            let before = try await now(redis)
            let born = try await note.read()

            #expect(born >= before - 1_000 && born <= before + 60_000)
            #expect(try await BirthNote(redis, names, service: "s").read() == born)
            #expect(try await redis.send(.get(names.born("s"))).string == "\(born) 1")
        }
    }

    @Test func dataOfTheVersionBeforeWasAlwaysThere() async throws {
        try await withNote { redis, note in
            _ = try await redis.send(
                RedisCommand("HSET", [.string(names.cursor("s")), "stream", "1-1"]))

            #expect(try await note.read() == 0)
        }
    }

    @Test func whoIsNewTakesPartInWhatBeganBefore() async throws {
        try await withNote { redis, _ in
            let stream = names.stream("Asked", owner: "other")
            _ = try await redis.send(RedisCommand("XADD", [.string(stream), "5000-1", "a", "b"]))
            let note = BirthNote(redis, names, service: "s", streams: [stream])

            #expect(try await note.read() == 4000, "as its clock may be a second behind")
        }
    }

    @Test func whoHasReadBeforeHasLostWhatIsMissing() async throws {
        try await withNote { redis, _ in
            let stream = names.stream("Asked", owner: "other")
            _ = try await redis.send(RedisCommand("XADD", [.string(stream), "5000-1", "a", "b"]))
            _ = try await redis.send(.xgroupCreate(stream, "s", from: "0"))
            let note = BirthNote(redis, names, service: "s", streams: [stream])

            #expect(try await note.read() > 5000)
        }
    }

    /// Others may have written already: what was before is lost all the same.
    @Test func whoKnewItFindsItLostAndBeginsAnew() async throws {
        try await withNote { redis, note in
            let born = try await note.read()
            _ = try await redis.send(.del([names.born("s")]))
            _ = try await redis.send(
                RedisCommand("HSET", [.string(names.cursor("s")), "stream", "1-1"]))

            #expect(try await note.read() >= born)
        }
    }

    @Test func dataOfALaterVersionIsRefusedAtTheStart() async throws {
        try await withNote { redis, _ in
            _ = try await redis.send(.set(names.born("payment"), "5 2"))
            let runtime = try SagaRuntime(
                ShopSaga().payment, redis: redis,
                configuration: {
                    var configuration = SagaRuntimeConfiguration()
                    configuration.namespace = String(names.born("").split(separator: ":")[0])
                    return configuration
                }(), logger: Logger(label: "test"))

            let error = await #expect(throws: SagaError.self) { try await runtime.run() }
            #expect(error?.code == .invalidConfiguration)
            #expect(error?.message.contains("layout 2") == true)
        }
    }

    @Test func aKeyOfAnotherKindIsSaidAndNotBelieved() async throws {
        try await withNote { redis, note in
            _ = try await redis.send(.set(names.born("s"), "soon"))

            let error = await #expect(throws: SagaError.self) { try await note.read() }
            #expect(error?.retry == .later)
        }
    }
}
