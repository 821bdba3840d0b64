import CloudEvents
import Saga
import SagaTestKit
import Synchronization
import Testing
import TroupeRedisTestKit

/// Only so many of a step's handlers run at once, and those that wait do nothing and cost nothing.
@Suite(.redisServer, .timeLimit(.minutes(1)))
struct StepLimitTests {
    @Test func noMoreRunAtOnceThanTheStepSays() async throws {
        try await ShopRig.with { rig in
            let meter = Meter()
            let payment = payment(rig, atMost: 2) { _ in
                meter.begin()
                for _ in 0..<20 { await Task.yield() }
                meter.end()
            }
            try await rig.running([rig.saga.order, payment]) { order in
                for id in 1...40 { _ = try await order.begin("\(id)", OrderCreated()) }
                try await rig.until("all are charged") {
                    try await rig.events("PaymentProcessed", owner: "payment").count == 40
                }
            }

            #expect(meter.most <= 2)
            #expect(meter.total == 40)
        }
    }

    /// The first one never ends; the second is cancelled while it waits for its turn.
    @Test func whoWaitsForATurnCanBeCalledOffAndHasDoneNothing() async throws {
        try await ShopRig.with {
            $0.stopLimit = .milliseconds(100)
        } _: { rig in
            let meter = Meter()
            let payment = hanging(rig, meter)
            try await rig.running([rig.saga.order, payment]) { order in
                _ = try await order.begin("1", OrderCreated())
                try await rig.until("the first one runs") { meter.total == 1 }
                _ = try await order.begin("2", OrderCreated())
                try await rig.until("the second one is read") {
                    try await rig.pending("OrderCreated", owner: "order", group: "payment") == 2
                }
                _ = try await order.requestCancellation(of: "2", reason: BusinessFailure("x"))
                try await rig.until("the second one is refused for ever") {
                    try await rig.ledger("payment", "2", "charge") == "tombstone"
                }
            }

            #expect(meter.total == 1)
            #expect(!rig.saga.world.wasUndone("charge", rig.key("2", "payment", "charge")))
            #expect(try await rig.ledger("payment", "1", "charge") == nil)
            #expect(try await rig.pending("OrderCreated", owner: "order", group: "payment") == 1)
        }
    }

    @Test func whoWaitsForATurnStaysPendingWhenTheRuntimeStops() async throws {
        try await ShopRig.with {
            $0.stopLimit = .milliseconds(100)
        } _: { rig in
            let meter = Meter()
            let payment = hanging(rig, meter)
            try await rig.running([rig.saga.order, payment]) { order in
                for id in 1...5 { _ = try await order.begin("\(id)", OrderCreated()) }
                try await rig.until("all are read") {
                    let pending = try await rig.pending(
                        "OrderCreated", owner: "order", group: "payment")
                    return pending == 5 && meter.total == 1
                }
            }

            #expect(meter.total == 1)
            #expect(try await rig.pending("OrderCreated", owner: "order", group: "payment") == 5)
        }
    }

    // MARK: - Not sent

    @Test func aRefusalAfterTriesThatWereNotSentCountsAsTheFirst() async throws {
        try await ShopRig.with { rig in
            let payment = payment(rig) { context in
                if context.attempt < 3 { throw NothingSent("no connection") }
                throw BusinessFailure("card_declined")
            }
            try await rig.running([rig.saga.order, payment]) { order in
                _ = try await order.begin("1", OrderCreated())
                try await rig.until("it has failed") {
                    try await rig.ledger("payment", "1", "charge") == "failed"
                }
            }

            #expect(!rig.saga.world.wasUndone("charge", rig.key("1", "payment", "charge")))
        }
    }

    @Test func whatIsNotSentIsTriedLongerThanAStepMayTake() async throws {
        try await ShopRig.with { rig in
            let began = Mutex<ContinuousClock.Instant?>(nil)
            let payment = payment(rig) { context in
                let first = began.withLock { began in
                    began = began ?? .now
                    return began ?? .now
                }
                // A step gives up after 300 ms here.
                if .now - first < .milliseconds(900) { throw NothingSent("no connection") }
                try rig.saga.world.act("charge", context.idempotencyKey)
            }
            try await rig.running([rig.saga.order, payment]) { order in
                _ = try await order.begin("1", OrderCreated())
                try await rig.until("it is charged") {
                    try await rig.ledger("payment", "1", "charge") == "done"
                }
            }

            #expect(rig.saga.world.done("charge").count == 1)
        }
    }

    @Test func whatCouldNeverBeSentFailsAndUndoesNothing() async throws {
        try await ShopRig.with {
            $0.unsentGiveUpAfter = .milliseconds(200)
        } _: { rig in
            let payment = payment(rig) { _ in throw NothingSent("no connection") }
            try await rig.running([rig.saga.order, payment]) { order in
                _ = try await order.begin("1", OrderCreated())
                try await rig.until("it has failed") {
                    try await rig.ledger("payment", "1", "charge") == "failed"
                }
            }

            #expect(!rig.saga.world.wasUndone("charge", rig.key("1", "payment", "charge")))
            let failures = try await rig.events("PaymentFailed", owner: "payment")
            #expect(failures.count == 1)
            #expect(String(decoding: failures[0].data, as: UTF8.self).contains("unreachable"))
        }
    }

    @Test func whatCouldNotBeSentYetIsCalledOffWithoutATrace() async throws {
        try await ShopRig.with { rig in
            let meter = Meter()
            let payment = payment(rig) { _ in
                meter.begin()
                throw NothingSent("no connection")
            }
            try await rig.running([rig.saga.order, payment]) { order in
                _ = try await order.begin("1", OrderCreated())
                try await rig.until("it was tried") { meter.total > 1 }
                _ = try await order.requestCancellation(of: "1", reason: BusinessFailure("x"))
                try await rig.until("it is refused for ever") {
                    try await rig.ledger("payment", "1", "charge") == "tombstone"
                }
            }

            #expect(!rig.saga.world.wasUndone("charge", rig.key("1", "payment", "charge")))
        }
    }

    /// One charge at once, which never ends.
    private func hanging(_ rig: ShopRig, _ meter: Meter) -> Participant {
        payment(rig, atMost: 1, giveUpAfter: .seconds(20)) { _ in
            meter.begin()
            try await Task.sleep(for: .seconds(3_600))
        }
    }

    private func payment(
        _ rig: ShopRig, atMost: Int? = nil, giveUpAfter: Duration? = nil,
        _ charge: @escaping @Sendable (StepContext) async throws -> Void
    ) -> Participant {
        Participant(ShopRoute.route, "payment") {
            Perform(ShopRoute.charge, giveUpAfter: giveUpAfter, atMost: atMost) { order, context in
                try await charge(context)
                return Transition(
                    PaymentProcessed(country: order.country, quantity: order.quantity))
            } undo: { [world = rig.saga.world] context in
                try await world.undo("charge", context.idempotencyKey)
                return Transition(PaymentRefunded())
            }
        }
    }

    private final class Meter: Sendable {
        private let counts = Mutex((now: 0, most: 0, total: 0))

        var most: Int { counts.withLock { $0.most } }
        var total: Int { counts.withLock { $0.total } }

        func begin() {
            counts.withLock { counts in
                counts.now += 1
                counts.total += 1
                counts.most = max(counts.most, counts.now)
            }
        }

        func end() { counts.withLock { $0.now -= 1 } }
    }
}
