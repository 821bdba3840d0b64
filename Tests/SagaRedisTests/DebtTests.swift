import CloudEvents
import Logging
import Saga
import SagaTestKit
import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import SagaRedis

/// What cannot be done yet leaves its stream, is shown as blocked, and is done in the end, by
/// nobody's help.
@Suite(.redisServer, .timeLimit(.minutes(1)))
struct DebtTests {
    @Test(arguments: ["undo charge", "undo charge hangs"])
    func aCompensationThatCannotBeDoneIsOwedUntilItCan(_ fault: String) async throws {
        try await ShopRig.with {
            $0.compensationGiveUpAfter = .milliseconds(200)
        } _: { rig in
            rig.saga.world.fail(fault)
            let ledger = rig.keys.ledger("1", service: "payment")
            try await rig.running { order in
                _ = try await order.begin("1", OrderCreated(country: "AQ"))
                try await rig.until("it was tried again, and is blocked") {
                    try await Self.tries(rig) > 1
                }

                #expect(try await rig.ledger("payment", "1", "blocked") == "charge")
                #expect(try await rig.ledger("payment", "1", "owes") == "charge")
                #expect(try await rig.ledger("payment", "1", "charge") == "done")
                #expect(try await rig.timeToLive(of: ledger) == -1)
                #expect(try await Self.count(rig.keys.blocked("payment"), rig) == 1)
                let pending = try await rig.pending(
                    "ShippingFailed", owner: "shipping", group: "payment")
                #expect(pending == 0, "nothing of it holds the stream")
                #expect(try await rig.deadLetters("payment").isEmpty)
                #expect(try await order.status(of: "1") == .cancelling)

                rig.saga.world.fail(fault, false)
                try await rig.settled("1", order, as: .cancelled)
                try await rig.until("nothing is owed any more") {
                    let open = try await Self.count(rig.keys.open("payment"), rig)
                    let blocked = try await Self.count(rig.keys.blocked("payment"), rig)
                    return open == 0 && blocked == 0
                }
            }

            #expect(rig.saga.world.done("charge").isEmpty)
            #expect(try await rig.ledger("payment", "1", "charge") == "compensated")
            #expect(try await rig.ledger("payment", "1", "blocked") == nil)
            #expect(try await rig.ledger("payment", "1", "owes") == nil)
            #expect((try await rig.timeToLive(of: ledger) ?? 0) > 0)
        }
    }

    /// What comes for other sagas goes on meanwhile, and all that is owed ends soon after the
    /// company is back.
    @Test func manyThatAreBlockedHoldNobodyUpAndEndTogether() async throws {
        try await ShopRig.with {
            $0.compensationGiveUpAfter = .milliseconds(100)
            $0.concurrency = 8
            $0.parkedMaximum = 16
            $0.blockedRetry = RetrySchedule(pauseMinimum: .seconds(1), pauseMaximum: .seconds(300))
        } _: { rig in
            rig.saga.world.fail("undo charge")
            try await rig.running { order in
                for number in 0..<40 {
                    _ = try await order.begin("a\(number)", OrderCreated(country: "AQ"))
                }
                try await rig.until("all are blocked") {
                    try await Self.count(rig.keys.blocked("payment"), rig) == 40
                }

                _ = try await order.begin("other", OrderCreated())
                try await rig.settled("other", order, as: .completed)

                rig.saga.world.fail("undo charge", false)
                for number in 0..<40 {
                    try await rig.settled("a\(number)", order, as: .cancelled)
                }
            }
            #expect(rig.saga.world.done("charge").count == 1)
        }
    }

    /// The event that completes came where what it completes is not done: as after a loss.
    @Test func aFinishThatComesTooEarlyWaitsForItsStep() async throws {
        try await ShopRig.with { rig in
            let completed = CloudEvent(
                source: "/order", type: "OrderCompleted", subject: "1",
                coordination: "choreography", route: "saga", data: Array("{}".utf8))
            _ = try await rig.redis.send(
                .xadd(
                    rig.keys.stream("OrderCompleted", owner: "order"),
                    ["data": .bytes(completed.json())]))
            try await rig.running([rig.saga.inventory]) { _ in
                try await rig.until("it is owed") {
                    try await rig.ledger("inventory", "1", "owes") == "reserve"
                }
            }
            #expect(try await rig.deadLetters("inventory").isEmpty)
            #expect(try await rig.ledger("inventory", "1", "blocked") == "reserve")

            try await rig.running { order in
                _ = try await order.begin("1", OrderCreated())
                try await rig.until("it is finished") {
                    try await rig.ledger("inventory", "1", "reserve") == "finished"
                }
                try await rig.until("nothing is owed any more") {
                    try await Self.count(rig.keys.blocked("inventory"), rig) == 0
                }
            }
        }
    }

    /// Whoever took what is owed and died leaves it due again.
    @Test func whatIsOwedOutlivesItsProcess() async throws {
        try await ShopRig.with {
            $0.compensationGiveUpAfter = .milliseconds(100)
        } _: { rig in
            rig.saga.world.fail("undo charge")
            try await rig.running { order in
                _ = try await order.begin("1", OrderCreated(country: "AQ"))
                try await rig.until("it is blocked") {
                    try await Self.count(rig.keys.blocked("payment"), rig) == 1
                }
            }
            rig.saga.world.fail("undo charge", false)
            // Taken by somebody who is no more, a claim ago.
            _ = try await rig.redis.send(
                RedisCommand("ZADD", [.string(rig.keys.open("payment")), 0, "1"]))

            try await rig.running { order in
                try await rig.settled("1", order, as: .cancelled)
            }
            #expect(rig.saga.world.done("charge").isEmpty)
        }
    }

    /// As the letter of what was left half written says.
    @Test func whoWasHelpedByAPersonIsCountedNoMore() async throws {
        try await ShopRig.with { rig in
            let ledger = rig.keys.ledger("1", service: "payment")
            _ = try await rig.redis.send(
                RedisCommand("HSET", [.string(ledger), "blocked", "charge e"]))
            _ = try await rig.redis.send(
                RedisCommand("ZADD", [.string(rig.keys.blocked("payment")), 1, "1"]))
            try await rig.running([rig.saga.payment]) { _ in
                _ = try await rig.redis.send(RedisCommand("HDEL", [.string(ledger), "blocked"]))
                try await rig.until("nobody is blocked any more") {
                    try await Self.count(rig.keys.blocked("payment"), rig) == 0
                }
            }
        }
    }

    /// As when a replica of an earlier version has dealt with it, who knows no such list.
    @Test func aQuestionOfWhichNothingIsLeftIsCountedNoMore() async throws {
        try await ShopRig.with { rig in
            _ = try await rig.redis.send(
                RedisCommand("ZADD", [.string(rig.keys.asks("payment")), 1, "1"]))
            try await rig.running([rig.saga.payment]) { _ in
                try await rig.until("nobody is asked any more") {
                    try await Self.count(rig.keys.asks("payment"), rig) == 0
                }
            }
        }
    }

    /// Who is asked again is the one whose answer is missing, not another of the same ID.
    @Test func whatIsOwedOnOneRouteKeepsNoOtherSagaOfItsID() async throws {
        try await ShopRig.with { rig in
            let naming = SagaNaming(["saga", "renewal"])
            let debts = RedisDebts(
                redis: rig.redis, service: "payment", names: rig.keys,
                ledgerTimeToLive: .seconds(1000), naming: naming)
            _ = try await rig.redis.send(
                .hset(rig.keys.declared("payment"), ["route": "saga 00, renewal 11"]))
            for name in ["7", "renewal/8"] {
                let debt = Debt(
                    sagaID: name, step: "charge", tries: 1, type: "OrderCreated", entryID: "7-0",
                    event: Array("{}".utf8), error: "no answer")
                var trace = DeadLetter.Trace(sagaID: name)
                trace.blocked = ("charge", "e")
                _ = try await debts.park(debt, trace, for: .seconds(60), in: nil)
            }

            var blocked: [String] = []
            for saga in ["7", "8"] {
                for route in naming.routes {
                    let isBlocked = try await debts.isBlocked(
                        saga, on: route, at: "charge", of: "payment")
                    if isBlocked { blocked.append("\(saga) \(route)") }
                }
            }
            #expect(blocked == ["7 saga", "8 renewal"])
        }
    }

    private static func tries(_ rig: ShopRig) async throws -> Int {
        let text = try await rig.redis.send(
            RedisCommand(
                "HGET", [.string(rig.keys.ledger("1", service: "payment")), "owes:charge"])
        ).string
        return text.flatMap { Debt(sagaID: "1", step: "charge", text: $0) }?.tries ?? 0
    }

    private static func count(_ key: String, _ rig: ShopRig) async throws -> Int {
        try await rig.redis.send(RedisCommand("ZCARD", [.string(key)])).integer ?? 0
    }
}
