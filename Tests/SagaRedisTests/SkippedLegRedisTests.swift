import CloudEvents
import Saga
import SagaRedis
import SagaTestKit
import Testing
import TroupeRedis
import TroupeRedisTestKit

/// A leg that a saga does not need, on a real Redis.
@Suite(.redisServer, .timeLimit(.minutes(2)))
struct SkippedLegRedisTests {
    private static let ends = RouteOwner(
        "order", begins: OrderCreated.self, completes: OrderCompleted.self,
        on: ShipmentArranged?.self, cancelled: OrderCancelled.self,
        request: OrderCancellationRequested.self)
    private static let route = Route("saga", owner: ends) {
        ShopRoute.charge
        arrange
        dispatch
    }
    /// No stock is kept: shipping follows the payment.
    private static let arrange = Leg(
        "arrange", by: "shipping", on: PaymentProcessed.self, emits: ShipmentArranged.self,
        orElse: ShippingFailed.self, undone: ShipmentCancelled.self
    )
    .when("shipped", otherwise: ShippingSkipped.self) { !$0.country.isEmpty }
    private static let dispatch = FinishingLeg(
        of: arrange, on: OrderCompleted.self, emits: ShipmentDispatched.self)

    @Test func aDownloadIsPaidAndNotShippedAndItsLedgersMayGo() async throws {
        try await ShopRig.with { rig in
            let order = try rig.runtime(Self.order)
            let runtimes = try [
                order, rig.runtime(Self.payment), rig.runtime(Self.shipping(rig.saga.world)),
            ]
            let tasks = runtimes.map { runtime in Task { try await runtime.run() } }
            defer { for task in tasks { task.cancel() } }

            _ = try await order.begin("1", OrderCreated(country: ""))
            _ = try await order.begin("2", OrderCreated(country: "DE"))
            #expect(try await order.outcome(of: "1", within: .seconds(20)) == .completed)
            #expect(try await order.outcome(of: "2", within: .seconds(20)) == .completed)

            let ledger = rig.keys.ledger("1", service: "shipping")
            try await rig.until("all have heard the ends") {
                let ends = try await rig.redis.send(
                    RedisCommand("HGET", [.string(ledger), "end"])
                ).string
                let owners = try await rig.redis.send(.zcard(rig.keys.timers("order"))).integer
                return ends == "completed" && owners == 0
            }
            let entry = try await rig.redis.send(
                RedisCommand("HGET", [.string(ledger), "arrange"])
            ).string
            let said = try await rig.events("ShippingSkipped", owner: "shipping")
            #expect(Set(said.map(\.correlationID)) == ["1"])
            #expect(entry == "skipped \(said.first?.id ?? "") shipped")
            #expect(try await rig.timeToLive(of: ledger) ?? 0 > 0)
            #expect(
                rig.saga.world.done("arrange") == [rig.key("2", "shipping", "arrange")])
            #expect(
                try await rig.events("ShipmentArranged", owner: "shipping").map(\.correlationID)
                    == ["2"])
        }
    }

    private static let order = Participant(route, "order") {
        Oversee(ends, deadline: .seconds(30)) { _, _ in Transition(OrderCompleted()) }
    }
    private static let payment = Participant(route, "payment") {
        Perform(ShopRoute.charge) { order, _ in
            Transition(PaymentProcessed(country: order.country))
        } undo: { _ in
        }
    }
    private static func shipping(_ world: World) -> Participant {
        Participant(route, "shipping") {
            Perform(arrange) { _, context in
                try world.act("arrange", context.idempotencyKey)
                return Transition(ShipmentArranged())
            } undo: { context in
                try await world.undo("arrange", context.idempotencyKey)
            }
            .finish(dispatch) { _, _ in Transition(ShipmentDispatched()) }
        }
    }
}
