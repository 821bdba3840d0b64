import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import Saga
@testable import SagaRedis

@Suite(.redisServer, .timeLimit(.minutes(1)))
struct RedisTimersTests {
    /// As after a restart from an older copy, where everything is overdue.
    @Test(arguments: [1, 2500])
    func timersHaveTheirWholeTimeAgainOnDataOfAnotherIdentity(count: Int) async throws {
        try await ShopRig.with(deadline: .seconds(60)) { rig in
            let timers = try timers(rig)
            _ = try await timers.fireDue()
            try await setOverdue(count, rig)
            try await note(identity: "another", rig)

            let fired = try await self.timers(rig).fireDue()

            #expect(fired.groups.isEmpty)
            let rest = try #require(fired.rest)
            #expect(rest > .seconds(30) && rest <= .seconds(60))
        }
    }

    @Test func theSameIdentityChangesNoTimer() async throws {
        try await ShopRig.with(deadline: .seconds(60)) { rig in
            _ = try await timers(rig).fireDue()
            try await setOverdue(3, rig)

            let fired = try await timers(rig).fireDue()

            #expect(fired.groups.map(\.count) == [3])
        }
    }

    /// Without a note from before nothing is known to be lost: a new store, or one of a version
    /// that made no such notes.
    @Test func theFirstIdentityChangesNoTimer() async throws {
        try await ShopRig.with(deadline: .seconds(60)) { rig in
            try await setOverdue(3, rig)

            let fired = try await timers(rig).fireDue()

            #expect(fired.groups.map(\.count) == [3])
        }
    }

    /// It is asked now and then for as long as the service runs.
    @Test func countingSagasCostsTheSameHoweverLargeTheirEventsAre() async throws {
        try await ShopRig.with { rig in
            let stream = rig.keys.stream("OrderCreated", owner: "order")
            let text = RedisArgument.string(String(repeating: "x", count: 5_000_000))
            _ = try await rig.redis.send(.xgroupCreate(stream, "payment"))
            _ = try await rig.redis.send(.xadd(stream, ["data": text]))
            _ = try await rig.redis.send(.xreadGroup("payment", "one", [(stream, ">")], count: 1))
            let keys = [rig.keys.timers("order"), stream]

            let bytes = try await rig.redis.bytesRead(
                by: LoadScript.count, keys: keys, arguments: [.integer(1000)])

            #expect(bytes < 1_000)
            let question = LoadQuestion(begins: "OrderCreated", ends: [], deadline: .seconds(1))
            #expect(try await timers(rig).count(question).begun == 1)
        }
    }

    private func timers(_ rig: ShopRig) throws -> RedisTimers {
        RedisTimers(
            try ParticipantPlan(rig.saga.order), redis: rig.redis, names: rig.keys,
            letterTimeToLive: .seconds(100))
    }

    private func setOverdue(_ count: Int, _ rig: ShopRig) async throws {
        let type = EventKind(deadlineOf: "order").type
        let members = (0..<count).flatMap { number -> [RedisArgument] in
            [.integer(1000 + number), .string(TimerScript.member("\(number)", event: type))]
        }
        _ = try await rig.redis.send(
            RedisCommand("ZADD", [.string(rig.keys.timers("order"))] + members))
    }

    private func note(identity: String, _ rig: ShopRig) async throws {
        _ = try await rig.redis.send(
            RedisCommand(
                "HSET", [.string(rig.keys.cursor("order")), "identity", .string(identity)]))
    }
}
