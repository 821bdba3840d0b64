import CloudEvents
import Saga
import SagaRedis
import SagaTestKit
import Testing
import TroupeRedis
import TroupeRedisTestKit

/// A charge of which nobody knows whether it was made, on a real store: what is asked, of whom,
/// and what a person's answer does.
@Suite(.redisServer, .timeLimit(.minutes(1)))
struct PersonalWordTests {
    @Test func theCompanyIsAskedAndTheSagaGoesOn() async throws {
        try await ShopRig.with { rig in
            let asking = UnknownOutcome<OrderCreated, PaymentProcessed>.askFirst {
                [world = rig.saga.world] order, context in
                guard world.isDone("charge", context.idempotencyKey) else { return .didNotAct }
                return .acted(
                    Transition(PaymentProcessed(country: order.country, quantity: order.quantity)))
            }
            let all = participants(rig, payment(rig, asking))
            try await rig.running(all) { order in
                _ = try await order.begin("1", OrderCreated())
                try await rig.settled("1", order, as: .completed)
            }

            #expect(rig.saga.world.done("charge").count == 1)
            #expect(!rig.saga.world.wasUndone("charge", rig.key("1", "payment", "charge")))
            #expect(try await rig.ledger("payment", "1", "charge") == "done")
        }
    }

    @Test func aQuestionOutlivesRestartsAndIsAnsweredByAnEntryOfTheStreamAgain() async throws {
        try await ShopRig.with { rig in
            let all = participants(rig, payment(rig, Self.parked))
            try await rig.running(all) { order in
                _ = try await order.begin("1", OrderCreated())
                try await rig.until("it waits for a person") {
                    try await rig.ledger("payment", "1", "owes") == "charge"
                }
            }
            let known = try await question(rig)
            #expect(known == "Is it on the bank's statement?")
            let replicas = [
                try rig.runtime(payment(rig, Self.parked), consumer: "a"),
                try rig.runtime(payment(rig, Self.parked), consumer: "b"),
            ]
            let tasks = replicas.map { replica in Task { try await replica.run() } }
            try await rig.running(all.filter { $0.name != "payment" }) { order in
                try await rig.until("it was looked at again") {
                    let text = try await debt(rig)
                    return (text?.tries ?? 0) > 1
                }
                #expect(try await order.status(of: "1") == .pending)

                try await say("done", rig)

                try await rig.settled("1", order, as: .completed)
            }
            for task in tasks { task.cancel() }
            for task in tasks { try await task.value }

            #expect(!rig.saga.world.wasUndone("charge", rig.key("1", "payment", "charge")))
            #expect(try await rig.ledger("payment", "1", "blocked") == nil)
            #expect(try await rig.ledger("payment", "1", "resolved:charge") == "done")
            #expect(try await rig.events("PaymentProcessed", owner: "payment").count == 1)
        }
    }

    @Test func aCancellationUndoesNothingBeforeTheAnswer() async throws {
        try await ShopRig.with { rig in
            try await rig.running(participants(rig, payment(rig, Self.parked))) { order in
                _ = try await order.begin("1", OrderCreated())
                try await rig.until("it waits for a person") {
                    try await rig.ledger("payment", "1", "owes") == "charge"
                }
                _ = try await order.requestCancellation(of: "1", reason: BusinessFailure("x"))
                try await rig.until("its ledger knows of the cancellation") {
                    let entry = try await entry("charge", rig)
                    return entry?.note.hasPrefix("called_off") == true
                }
                #expect(rig.saga.world.done("charge").count == 1)
                #expect(try await order.status(of: "1") == .cancelling)

                try await say("done", rig)

                try await rig.settled("1", order, as: .cancelled)
            }

            #expect(rig.saga.world.done("charge").isEmpty)
            #expect(try await rig.events("PaymentProcessed", owner: "payment").isEmpty)
        }
    }

    /// Nothing is owed that could be tried again: the word waits as well.
    @Test func theWordOnAStepWhoseEventIsALetterCountsOnceThatComesAgain() async throws {
        try await ShopRig.with { rig in
            let order = try rig.runtime(rig.saga.order)
            _ = try await order.begin("1", OrderCreated())
            let stream = rig.keys.stream("OrderCreated", owner: "order")
            let entry = try #require(try await rig.entries("OrderCreated", owner: "order").first)
            let event = try #require(entry["data"])
            _ = try await rig.redis.send(.xdel(stream, [entry.id]))
            let ledger = rig.keys.ledger("1", service: "payment")
            _ = try await rig.redis.send(.hset(ledger, ["charge": "unknown e outcome_unknown"]))
            try await rig.running(participants(rig, payment(rig, Self.parked))) { order in
                try await say("done", rig)
                try await rig.until("it is heard") {
                    try await rig.ledger("payment", "1", "resolved:charge") == "done"
                }
                #expect(try await rig.ledger("payment", "1", "charge") == "unknown")

                _ = try await rig.redis.send(.xadd(stream, ["data": .buffer(event)]))

                try await rig.settled("1", order, as: .completed)
            }
            #expect(rig.saga.world.calls("charge") == 0)
        }
    }

    private static let parked = UnknownOutcome<OrderCreated, PaymentProcessed>.park(
        "Is it on the bank's statement?"
    ) { order, _ in
        Transition(PaymentProcessed(country: order.country, quantity: order.quantity))
    }

    private func participants(_ rig: ShopRig, _ payment: Participant) -> [Participant] {
        rig.saga.all.map { $0.name == "payment" ? payment : $0 }
    }

    /// Charges, and never hears so.
    private func payment(
        _ rig: ShopRig, _ unknown: UnknownOutcome<OrderCreated, PaymentProcessed>
    ) -> Participant {
        Participant(ShopRoute.route, "payment") {
            Perform(ShopRoute.charge, whenUnknown: unknown) { [world = rig.saga.world] _, context in
                try world.act("charge", context.idempotencyKey)
                throw Accident()
            } undo: { [world = rig.saga.world] context in
                try await world.undo("charge", context.idempotencyKey)
            }
        }
    }

    private func say(_ outcome: String, _ rig: ShopRig) async throws {
        let data = #"{"step":"charge","outcome":"\#(outcome)","reason":"the statement says so"}"#
        let event = CloudEvent(
            source: "/person", type: "ResolveStep", subject: "1", data: Array(data.utf8))
        _ = try await rig.redis.send(
            RedisCommand(
                "XADD",
                [
                    .string(rig.keys.again("payment")), "*", "data", .bytes(event.json()),
                    "correlationid", "1",
                ]))
    }

    private func entry(_ field: String, _ rig: ShopRig) async throws -> LedgerEntry? {
        try await rig.redis.send(
            RedisCommand(
                "HGET", [.string(rig.keys.ledger("1", service: "payment")), .string(field)])
        ).string.map { LedgerEntry($0) }
    }

    private func debt(_ rig: ShopRig) async throws -> Debt? {
        try await rig.redis.send(
            RedisCommand(
                "HGET",
                [
                    .string(rig.keys.ledger("1", service: "payment")),
                    .string(Debt.field(of: "charge")),
                ])
        ).string.flatMap { Debt(sagaID: "1", step: "charge", text: $0) }
    }

    private func question(_ rig: ShopRig) async throws -> String? { try await debt(rig)?.question }
}
