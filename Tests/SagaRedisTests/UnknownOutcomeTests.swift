import CloudEvents
import Saga
import SagaRedis
import SagaTestKit
import Testing
import TroupeRedis
import TroupeRedisTestKit

/// A step that may have acted outside leaves a trace in its ledger, whatever becomes of its event,
/// and is undone like one that did.
@Suite(.redisServer, .timeLimit(.minutes(1)))
struct UnknownOutcomeTests {
    @Test func aStepThatActedAndKeptCrashingIsUndoneByItsCompensation() async throws {
        try await ShopRig.with { rig in
            try await deliverTooOften(rig)
            try rig.saga.world.act("charge", rig.key("1", "payment", "charge"))
            try await rig.running { order in
                try await rig.until("it is set aside") {
                    try await rig.deadLetters("payment").count == 1
                }
                #expect(try await rig.ledger("payment", "1", "charge") == "unknown")
                _ = try await order.requestCancellation(of: "1", reason: BusinessFailure("x"))
                try await rig.settled("1", order, as: .cancelled)
            }

            #expect(rig.saga.world.done("charge").isEmpty)
            #expect(try await rig.ledger("payment", "1", "charge") == "compensated")
            let ledger = rig.keys.ledger("1", service: "payment")
            #expect((try await rig.timeToLive(of: ledger) ?? 0) > 0)
        }
    }

    @Test func whatActedBeforeATombstoneIsTakenBackBeforeItIsSetAside() async throws {
        try await ShopRig.with { rig in
            try await deliverTooOften(rig)
            try rig.saga.world.act("charge", rig.key("1", "payment", "charge"))
            _ = try await rig.redis.send(
                RedisCommand(
                    "HSET",
                    [.string(rig.keys.ledger("1", service: "payment")), "charge", "tombstone e"]))
            try await rig.running([rig.saga.payment]) { _ in
                try await rig.until("it is set aside") {
                    let pending = try await rig.pending(
                        "OrderCreated", owner: "order", group: "payment")
                    return try await rig.deadLetters("payment").count == 1 && pending == 0
                }
            }

            #expect(rig.saga.world.done("charge").isEmpty)
            #expect(try await rig.ledger("payment", "1", "charge") == "tombstone")
        }
    }

    /// It was cancelled for taking too long, and what it has done is known all the same.
    @Test func whatIsDoneAfterItsTimeCountsOnce() async throws {
        try await ShopRig.with { rig in
            try await rig.running { order in
                _ = try await order.begin("1", OrderCreated(card: "late"))
                try await rig.settled("1", order, as: .completed)
            }
            #expect(rig.saga.world.calls("charge") == 1)
            #expect(rig.saga.world.done("charge").count == 1)
            #expect(try await rig.deadLetters("payment").isEmpty)
        }
    }

    /// Neither the charge answers nor the refund works, until much later; then nobody is needed.
    @Test func aStepThatCannotBeUndoneIsBlockedUntilItCan() async throws {
        try await ShopRig.with {
            $0.compensationGiveUpAfter = .milliseconds(200)
            $0.askAgainAfter = .milliseconds(200)
        } _: { rig in
            rig.saga.world.fail("undo charge")
            let ledger = rig.keys.ledger("1", service: "payment")
            try await rig.running { order in
                _ = try await order.begin("1", OrderCreated(card: "silent"))
                try await rig.until("it is blocked") {
                    try await rig.ledger("payment", "1", "blocked") == "charge"
                }
                #expect(try await rig.ledger("payment", "1", "charge") == "unknown")
                #expect(try await rig.ledger("payment", "1", "owes") == "charge")

                _ = try await order.requestCancellation(of: "1", reason: BusinessFailure("x"))
                try await rig.until("the owner has looked for the answer some times") {
                    try await rig.events("OrderDeadlineReached", owner: "order").count > 2
                }
                #expect(try await rig.deadLetters("payment").isEmpty)
                #expect(try await rig.ledger("payment", "1", "charge") == "unknown")
                #expect(try await rig.timeToLive(of: ledger) == -1)
                #expect(try await order.status(of: "1") == .cancelling)

                rig.saga.world.fail("undo charge", false)
                try await rig.settled("1", order, as: .cancelled)
            }

            #expect(rig.saga.world.done("charge").isEmpty)
            let charge = try await rig.ledger("payment", "1", "charge")
            #expect(charge == "compensated" || charge == "failed", "by whichever came first")
            let asked = try await rig.events("OrderCancellationRequested", owner: "order")
            #expect(asked.count == 1, "who owes the answer has not lost the question")
            #expect(try await rig.ledger("payment", "1", "blocked") == nil)
        }
    }

    @Test func aRefusalAfterATryWithoutAnswerUndoesFirst() async throws {
        try await ShopRig.with { rig in
            try await rig.running { order in
                _ = try await order.begin("1", OrderCreated(card: "declined later"))
                try await rig.settled("1", order, as: .cancelled)
            }

            #expect(rig.saga.world.calls("charge") == 1)
            #expect(rig.saga.world.done("charge").isEmpty)
            #expect(try await rig.ledger("payment", "1", "charge") == "failed")
            #expect(try await rig.fields("order", "order:1")["reason"] == "card_declined")
        }
    }

    @Test func aRefusalAfterACrashUndoesFirst() async throws {
        try await ShopRig.with { rig in
            try await deliver(OrderCreated(card: "declined"), rig)
            try rig.saga.world.act("charge", rig.key("1", "payment", "charge"))
            try await rig.running { order in
                try await rig.settled("1", order, as: .cancelled)
            }

            #expect(rig.saga.world.done("charge").isEmpty)
            #expect(try await rig.ledger("payment", "1", "charge") == "failed")
            #expect(try await rig.fields("order", "order:1")["reason"] == "card_declined")
        }
    }

    /// The group vanished with all that was pending in it, and is made again.
    @Test func aRefusalOfWhatAVanishedGroupHadUndoesFirst() async throws {
        try await ShopRig.with { rig in
            try await deliver(OrderCreated(card: "declined"), rig)
            try rig.saga.world.act("charge", rig.key("1", "payment", "charge"))
            let stream = rig.keys.stream("OrderCreated", owner: "order")
            let cursor = rig.keys.cursor("payment")
            _ = try await rig.redis.send(
                RedisCommand("HSET", [.string(cursor), .string(stream), "0-0"]))
            _ = try await rig.redis.send(
                RedisCommand("XGROUP", ["DESTROY", .string(stream), "payment"]))
            try await rig.running { order in
                try await rig.settled("1", order, as: .cancelled)
            }

            #expect(rig.saga.world.done("charge").isEmpty)
            #expect(try await rig.ledger("payment", "1", "charge") == "failed")
            let again = try await rig.redis.send(
                RedisCommand("HGET", [.string(cursor), .string("again:" + stream)]))
            #expect(again.string != nil)
        }
    }

    @Test func aConditionThatFailsAfterTheStepActedTakesBack() async throws {
        try await ShopRig.with { rig in
            try await rig.running { order in
                _ = try await order.begin("1", OrderCreated(card: "in vain"))
                try await rig.settled("1", order, as: .cancelled)
            }

            #expect(rig.saga.world.calls("charge") == 1)
            #expect(rig.saga.world.done("charge").isEmpty)
            #expect(try await rig.fields("order", "order:1")["reason"] == "no_permit")
        }
    }

    @Test func aTransitionThatCannotBeAppliedLeavesItsStepUnknown() async throws {
        try await ShopRig.with { rig in
            let record = rig.keys.record("payment:1", service: "payment")
            _ = try await rig.redis.send(RedisCommand("SET", [.string(record), "text"]))
            try await rig.running { order in
                _ = try await order.begin("1", OrderCreated())
                try await rig.until("it is set aside") {
                    try await rig.deadLetters("payment").count == 1
                }
                #expect(rig.saga.world.done("charge").count == 1)
                #expect(try await rig.ledger("payment", "1", "charge") == "unknown")

                _ = try await rig.redis.send(.del([record]))
                _ = try await order.requestCancellation(of: "1", reason: BusinessFailure("x"))
                try await rig.settled("1", order, as: .cancelled)
            }

            #expect(rig.saga.world.done("charge").isEmpty)
        }
    }

    @Test func anEventThatCannotBeReadTakesItsSagaFromBesideIt() async throws {
        try await ShopRig.with { rig in
            let stream = rig.keys.stream("OrderCreated", owner: "order")
            try await rig.running { _ in
                _ = try await rig.redis.send(
                    .xadd(stream, ["data": "no json", "correlationid": "1"]))
                _ = try await rig.redis.send(.xadd(stream, ["data": "no json"]))
                try await rig.until("both are set aside") {
                    try await rig.deadLetters("payment").count == 2
                }
            }

            #expect(try await rig.ledger("payment", "1", "charge") == "unknown")
            let ledger = rig.keys.ledger("1", service: "payment")
            #expect(try await rig.timeToLive(of: ledger) == -1, "until it is undone")
        }
    }

    /// Its event was delivered, and everything ended before it was acknowledged.
    private func deliver(_ event: OrderCreated, _ rig: ShopRig) async throws {
        let stream = rig.keys.stream("OrderCreated", owner: "order")
        _ = try await rig.runtime(rig.saga.order).begin("1", event)
        _ = try await rig.redis.send(.xgroupCreate(stream, "payment"))
        _ = try await rig.redis.send(.xreadGroup("payment", "replica", keys: [stream]))
    }

    /// Three processes died while it was the only one tried again.
    private func deliverTooOften(_ rig: ShopRig) async throws {
        try await deliver(OrderCreated(), rig)
        try await rig.mark("OrderCreated", as: "trying 1 2", of: "replica")
    }
}
