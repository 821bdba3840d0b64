import SagaRedis
import SagaTestKit
import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import Saga

/// What was delivered before is tried in marked groups, beside what is new.
@Suite(.redisServer, .timeLimit(.minutes(2)))
struct SuspectTests {
    @Test func withWhomAProcessDiedIsTriedInSmallGroupsAndNobodyBecomesALetter() async throws {
        try await ShopRig.with {
            $0.giveUpAfter = .seconds(60)
        } _: { rig in
            try await leave(20, tried: "trying 64 0", rig)
            rig.saga.world.fail("charge")
            let order = try rig.runtime(rig.saga.order)

            try await rig.running([rig.saga.payment]) { _ in
                try await rig.until("eight are marked") {
                    try await marked(rig).count { $0.hasPrefix("trying") } == 8
                }
                #expect(try await marked(rig).count == 20, "the others wait")
                _ = try await order.begin("new", OrderCreated())
                rig.saga.world.fail("charge", false)
                try await rig.until("all are charged, and the mark is gone") {
                    let lines = try await marked(rig)
                    return rig.saga.world.done("charge").count == 21 && lines.isEmpty
                }
            }
            #expect(try await rig.deadLetters("payment").isEmpty)
        }
    }

    @Test func whatIsNewGoesOnWhileSuspectsAreTried() async throws {
        try await ShopRig.with {
            $0.giveUpAfter = .seconds(60)
        } _: { rig in
            try await leave(3, tried: "trying 8 0", rig, event: OrderCreated(card: "hangs"))

            try await rig.running([rig.saga.payment, rig.saga.order]) { order in
                try await rig.until("one is tried alone") {
                    try await marked(rig).count { $0.hasPrefix("trying 1 0") } == 1
                }
                _ = try await order.begin("new", OrderCreated())
                try await rig.until("the new one is charged") {
                    rig.saga.world.isDone("charge", rig.key("new", "payment", "charge"))
                }
            }

            let left = try await marked(rig)
            #expect(left.count == 3 && left.allSatisfy { $0.hasPrefix("waiting 1 0") }, "\(left)")
        }
    }

    /// Leaves what a process had when it died, under a name that is started again.
    private func leave(
        _ count: Int, tried: String, _ rig: ShopRig, event: OrderCreated = OrderCreated()
    ) async throws {
        let stream = rig.keys.stream("OrderCreated", owner: "order")
        let order = try rig.runtime(rig.saga.order)
        for number in 0..<count { _ = try await order.begin("\(number)", event) }
        _ = try await rig.redis.send(.xgroupCreate(stream, "payment"))
        _ = try await rig.redis.send(.xreadGroup("payment", "replica", keys: [stream]))
        try await rig.mark("OrderCreated", as: tried, of: "replica")
    }

    /// The lines of the mark, but for whose it is.
    private func marked(_ rig: ShopRig) async throws -> [Substring] {
        let key = rig.keys.trying("replica", service: "payment")
        let text = try await rig.redis.send(.get(key)).string ?? ""
        return Array(text.split(separator: "\n").dropFirst())
    }
}
