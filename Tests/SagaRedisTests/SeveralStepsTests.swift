import CloudEvents
import Saga
import SagaRedis
import SagaTestKit
import Testing
import TroupeRedis
import TroupeRedisTestKit

private struct RoomBooked: SagaEvent { static let owner = "depot" }
private struct GoodsInsured: SagaEvent { static let owner = "depot" }
private struct GoodsCounted: SagaEvent { static let owner = "depot" }
private struct InsuranceEnded: SagaEvent { static let owner = "depot" }
private struct DepotFailed: FailureEvent {
    static let owner = "depot"
    var reason: String
    var detail: String
}

/// One event that means something to several steps of a participant.
@Suite(.redisServer, .timeLimit(.minutes(1)))
struct SeveralStepsTests {
    @Test func anEventThatComesBackFindsBothItsStepsFinished() async throws {
        try await ShopRig.with { rig in
            let depot = Self.depot(rig.saga.world)
            let completed = rig.keys.stream("OrderCompleted", owner: "order")
            let event = CloudEvent(
                source: "/order", type: "OrderCompleted", subject: "1", data: Array("{}".utf8))
            func run(until steps: String) async throws {
                try await rig.running([depot]) { _ in
                    try await rig.until("the steps are \(steps) and nothing is pending") {
                        let book = try await rig.ledger("depot", "1", "book")
                        let count = try await rig.ledger("depot", "1", "count")
                        let pending = try await rig.pending(
                            "OrderCompleted", owner: "order", group: "depot")
                        return book == steps && count == steps && pending == 0
                    }
                }
            }
            _ = try await rig.runtime(rig.saga.order).begin("1", OrderCreated())
            try await run(until: "done")
            _ = try await rig.redis.send(.xadd(completed, ["data": .bytes(event.json())]))
            try await run(until: "finished")

            // As if the process had ended before it acknowledged.
            _ = try await rig.redis.send(
                RedisCommand("XGROUP", ["SETID", .string(completed), "depot", "0"]))
            _ = try await rig.redis.send(.xreadGroup("depot", "replica", [(completed, ">")]))
            #expect(try await rig.pending("OrderCompleted", owner: "order", group: "depot") == 1)
            try await run(until: "finished")

            #expect(try await rig.deadLetters("depot").isEmpty)
        }
    }

    /// The tombstone of the other step came while a process that had acted died.
    @Test func whenOneStepBreaksHalfWayTheOtherIsTakenBackAllTheSame() async throws {
        try await ShopRig.breakable { rig, forwarder in
            forwarder.breakWrite(BrokenWrite(marker: "RoomBooked", number: 2))
            try rig.saga.world.act("insure", rig.key("1", "depot", "insure"))
            let ledger = rig.keys.ledger("1", service: "depot")
            _ = try await rig.redis.send(
                RedisCommand("HSET", [.string(ledger), "insure", "tombstone e"]))
            _ = try await rig.runtime(rig.saga.order).begin("1", OrderCreated())

            try await rig.running([Self.depot(rig.saga.world)]) { _ in
                try await rig.until("it is set aside") {
                    let pending = try await rig.pending(
                        "OrderCreated", owner: "order", group: "depot")
                    return try await rig.deadLetters("depot").count == 1 && pending == 0
                }
            }

            #expect(try await rig.deadLetters("depot").first?["reason"] == "half_applied")
            #expect(try await rig.ledger("depot", "1", "blocked") == "book")
            #expect(try await rig.ledger("depot", "1", "book") == "unknown")
            #expect(try await rig.ledger("depot", "1", "insure") == "tombstone")
            #expect(rig.saga.world.done("insure").isEmpty)
            #expect(rig.saga.world.done("book").count == 1, "that waits for a person")
        }
    }

    private static func depot(_ world: World) -> Participant {
        let failed: @Sendable (BusinessFailure, StepContext) -> Transition<DepotFailed> = {
            failure, _ in Transition(DepotFailed(reason: failure.reason, detail: failure.detail))
        }
        return Participant("depot") {
            Step("book", on: OrderCreated.self, emits: RoomBooked.self, orElse: failed) {
                _, context in
                try world.act("book", context.idempotencyKey)
                return Transition(RoomBooked()) { $0.set("room:1", ["is": "booked"]) }
            }
            .needsNoCompensation()
            .finished(by: OrderCompleted.self) { _, _ in
                Changes { $0.set("room:1", ["is": "left"]) }
            }

            Step("insure", on: OrderCreated.self, emits: GoodsInsured.self, orElse: failed) {
                _, context in
                try world.act("insure", context.idempotencyKey)
                return Transition(GoodsInsured())
            }
            .compensated(
                by: [OrderCancellationRequested.self], emits: InsuranceEnded.self,
                nothingToUndo: { _ in Transition(InsuranceEnded()) },
                undo: { context in
                    try await world.undo("insure", context.idempotencyKey)
                    return Transition(InsuranceEnded())
                })

            Step(
                "count", on: OrderCreated.self, emits: GoodsCounted.self, actsOutside: false,
                orElse: failed
            ) { _, _ in
                Transition(GoodsCounted()) { $0.set("goods:1", ["are": "counted"]) }
            }
            .needsNoCompensation()
            .finished(by: OrderCompleted.self) { _, _ in
                Changes { $0.set("goods:1", ["are": "gone"]) }
            }
        }
    }
}
