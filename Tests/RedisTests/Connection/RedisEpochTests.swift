import RedisTestKit
import Testing

@testable import Redis

/// What follows from data that was read is sent only to a server that still holds it.
@Suite(.timeLimit(.minutes(2)))
struct RedisEpochTests {
    @Test func anEpochGoesOnWithTheSameDataAndEndsWithOthers() {
        let register = EpochRegister()
        let one = ServerIdentity(runID: "a", replicationID: "1")
        let other = ServerIdentity(runID: "a", replicationID: "2")
        let before = register.current

        #expect(register.greeted(by: one, isFirst: true) == before)
        #expect(register.greeted(by: one, isFirst: true) == before, "a second connection")
        #expect(register.greeted(by: one, isFirst: false) == before, "made again")
        let after = register.greeted(by: other, isFirst: false)
        #expect(after != before && register.current == after)
        #expect(register.greeted(by: one, isFirst: false) != before, "never the same again")
    }

    @Test func whoIsNotToldTakesEachConnectionForAnotherServer() {
        let register = EpochRegister()
        let before = register.greeted(by: nil, isFirst: true)

        #expect(register.greeted(by: nil, isFirst: true) == before, "a second connection")
        #expect(register.greeted(by: nil, isFirst: false) != before)
    }

    @Test func aLostConnectionEndsNoEpoch() async throws {
        let server = try await RedisServer.launch()
        let redis = server.client()
        let epoch = redis.epoch
        _ = try await redis.send(.set("k", "1"), in: epoch)

        let kill = RedisCommand("CLIENT", ["KILL", "SKIPME", "no", "TYPE", "normal"])
        _ = try? await redis.send(kill)
        try await eventually("it is connected again") {
            (try? await redis.send(.set("k", "2"), in: epoch)) != nil
        }

        #expect(redis.epoch == epoch)
        await redis.shutdown()
        await server.stop()
    }

    @Test func aServerThatStartsAgainIsSentNothingOfTheEpochBefore() async throws {
        let server = try await RedisServer.launch(.init(isDurable: true))
        let redis = server.client { $0.disconnectedWait = .seconds(20) }
        let epoch = redis.epoch
        _ = try await redis.send(.set("k", "before"), in: epoch)
        await server.kill()
        // They wait for the next connection, which leads to another epoch.
        let late = RedisScript("return redis.call('SET', KEYS[1], ARGV[1])")
        let calls = [
            Task { _ = try await redis.send(.set("k", "late"), timeout: .seconds(20), in: epoch) },
            Task {
                _ = try await redis.send(
                    batch: [.set("k", "late")], timeout: .seconds(20), in: epoch)
            },
            Task {
                _ = try await redis.evaluate(
                    late, keys: ["k"], arguments: ["late"], timeout: .seconds(20), in: epoch)
            },
        ]
        try await server.start()

        for call in calls {
            let error = await #expect(throws: RedisError.self) { try await call.value }
            #expect(error?.code == .epochOver && error?.outcome == .notSent, "\(error as Any)")
        }
        #expect(try await redis.send(.get("k")).string == "before")
        #expect(redis.epoch != epoch)
        _ = try await redis.send(.set("k", "after"), in: redis.epoch)
        await redis.shutdown()
        await server.stop()
    }

    @Test func aServerThatFollowedAnotherForAMomentEndsTheEpoch() async throws {
        let server = try await RedisServer.launch()
        let redis = server.client()
        let epoch = redis.epoch
        _ = try await redis.send(.ping, in: epoch)
        await redis.checkEpoch()
        #expect(redis.epoch == epoch)

        _ = try await redis.send(
            RedisCommand("REPLICAOF", ["127.0.0.1", .integer(try FreePort.find())]))
        _ = try await redis.send(RedisCommand("REPLICAOF", ["NO", "ONE"]))
        try await eventually("the link is made again") {
            await redis.checkEpoch()
            return redis.epoch != epoch
        }

        await #expect(throws: RedisError.self) { try await redis.send(.set("k", "v"), in: epoch) }
        await redis.shutdown()
        await server.stop()
    }

    @Test func withoutTheRightToAskTheClientWorks() async throws {
        let server = try await RedisServer.launch()
        let admin = server.client()
        _ = try await admin.send(
            RedisCommand(
                "ACL", ["SETUSER", "plain", "on", ">word", "~*", "&*", "+@all", "-info"]))
        let redis = server.client {
            $0.username = "plain"
            $0.password = "word"
        }
        let epoch = redis.epoch
        _ = try await redis.send(.set("k", "v"), in: epoch)
        await redis.checkEpoch()

        #expect(redis.epoch == epoch)
        await redis.shutdown()
        await admin.shutdown()
        await server.stop()
    }
}
