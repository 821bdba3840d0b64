import Saga
import SagaTestKit
import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import SagaRedis

/// A person may have a service read nothing, as before a deployment.
@Suite(.redisServer, .timeLimit(.minutes(1)), .serialized)
struct PauseTests {
    @Test func whoIsPausedAtTheStartReadsNothingUntilItIsResumed() async throws {
        try await ShopRig.with { rig in
            let key = rig.keys.paused("payment")
            _ = try await rig.redis.send(.set(key, "now"))
            try await rig.running { order in
                _ = try await order.begin("1", OrderCreated())
                try await looks(8, rig)
                #expect(rig.saga.world.done("charge").isEmpty)

                _ = try await rig.redis.send(.unlink([key]))

                try await rig.settled("1", order, as: .completed)
            }
        }
    }

    @Test func whatComesWhileItIsPausedWaits() async throws {
        try await ShopRig.with { rig in
            let key = rig.keys.paused("payment")
            try await rig.running { order in
                _ = try await order.begin("1", OrderCreated())
                try await rig.settled("1", order, as: .completed)
                _ = try await rig.redis.send(.set(key, "now"))
                try await looks(8, rig)

                _ = try await order.begin("2", OrderCreated())
                try await looks(8, rig)

                #expect(rig.saga.world.done("charge").count == 1)
                #expect(
                    try await rig.pending("OrderCreated", owner: "order", group: "payment") == 0)
                _ = try await rig.redis.send(.unlink([key]))
                try await rig.settled("2", order, as: .completed)
            }
            #expect(try await rig.deadLetters("payment").isEmpty)
        }
    }

    /// Waits until participants have asked so often whether they are paused: two looks of each of
    /// the four at eight.
    private func looks(_ count: Int, _ rig: ShopRig) async throws {
        let before = try await asked(rig)
        try await rig.until("everybody has looked") { try await asked(rig) >= before + count }
    }

    private func asked(_ rig: ShopRig) async throws -> Int {
        let facts = try await rig.redis.send(.info("commandstats")).infoFields()
        let calls = facts["cmdstat_exists"]?.split(separator: ",").first?.dropFirst("calls=".count)
        return calls.flatMap { Int($0) } ?? 0
    }
}
