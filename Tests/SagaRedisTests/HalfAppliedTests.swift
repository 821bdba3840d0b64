import CloudEvents
import Saga
import SagaTestKit
import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import SagaRedis

/// What a transition left half written is seen, is answered as no success, and waits for a person.
@Suite(.timeLimit(.minutes(1)))
struct HalfAppliedTests {
    private static let key: RecordName = "key:1"

    /// Two of the writes before anything stands, and four after.
    @Test func aSagaThatBeganByHalfNeverBegan() async throws {
        try await ShopRig.breakable { rig, forwarder in
            let order = try rig.runtime(rig.saga.order)
            for number in [0, 1, 2, 5, 6, 7] {
                let id = "\(number)"
                let record: RecordName = "order:\(id)"
                let changes = Changes {
                    $0.set(record, ["status": "pending"])
                    $0.add(id, to: "orders", score: 1)
                    $0.set(Self.key, text: id, timeToLive: .seconds(60))
                }
                forwarder.breakWrite(BrokenWrite(marker: "OrderCreated", number: number))

                let error = await #expect(throws: SagaError.self) {
                    try await order.begin(id, OrderCreated(), changes: changes)
                }

                #expect(try await rig.events("OrderCreated", owner: "order").isEmpty)
                #expect(try await rig.store("order").reader.text(of: Self.key) == nil)
                if number < 2 {
                    #expect(error?.code == .unavailable && error?.retry == .later)
                    #expect(try await rig.fields("order", record).isEmpty)
                    #expect(try await order.status(of: id) == nil)
                    continue
                }
                #expect(error?.code == .halfApplied, "\(number)")
                for _ in 0..<2 {
                    let again = await #expect(throws: SagaError.self) {
                        try await order.begin(id, OrderCreated(), changes: changes)
                    }
                    #expect(again?.code == .halfApplied, "it is not a duplicate")
                }
                let status = await #expect(throws: SagaError.self) {
                    try await order.status(of: id)
                }
                #expect(status?.code == .halfApplied)
                #expect(try await rig.ledger("order", id, "blocked") == "lifecycle")
            }

            let letters = try await rig.deadLetters("order")
            #expect(letters.count == 4)
            #expect(letters.allSatisfy { $0["reason"] == "half_applied" && $0["event"] == "" })
            #expect(letters.allSatisfy { $0["error"]?.contains("Next: ") == true })
            #expect(order.faults.contains { $0.contains("half written") })
            forwarder.breakWrite(nil)
            #expect(try await order.begin("well", OrderCreated()) == .applied)
        }
    }

    @Test func aCancellationByHalfIsNoAnswerAndWaitsForAPerson() async throws {
        try await ShopRig.breakable { rig, forwarder in
            let order = try rig.runtime(rig.saga.order)
            _ = try await order.begin("1", OrderCreated())
            forwarder.breakWrite(BrokenWrite(marker: "OrderCancellationRequested", number: 6))

            for _ in 0..<2 {
                let error = await #expect(throws: SagaError.self) {
                    try await order.requestCancellation(of: "1", reason: BusinessFailure("x"))
                }
                #expect(error?.code == .halfApplied)
            }

            #expect(
                try await rig.events("OrderCancellationRequested", owner: "order").isEmpty)
            #expect(try await rig.deadLetters("order").map { $0["reason"] } == ["half_applied"])
            try await restore("order", "1", "lifecycle", rig)
            forwarder.breakWrite(nil)
            let outcome = try await order.requestCancellation(
                of: "1", reason: BusinessFailure("x"))
            #expect(outcome == .requested)
            try await rig.running { order in
                try await rig.settled("1", order, as: .cancelled)
            }
        }
    }

    @Test func aPivotByHalfIsALetterAndGoesOnOnceAPersonHasLooked() async throws {
        try await ShopRig.breakable { rig, forwarder in
            forwarder.breakWrite(BrokenWrite(marker: "OrderCompleted", number: 5))
            try await rig.running { order in
                _ = try await order.begin("1", OrderCreated())
                try await rig.until("it is set aside") {
                    try await rig.deadLetters("order").count == 1
                }
                let letter = try #require(try await rig.deadLetters("order").first)
                #expect(letter["reason"] == "half_applied")
                #expect(letter["stream"] == rig.keys.stream("ShipmentArranged", owner: "shipping"))
                #expect(letter["error"]?.contains("Next: put the records") == true)
                #expect(try await rig.ledger("order", "1", "lifecycle") == "unknown")
                #expect(try await rig.events("OrderCompleted", owner: "order").isEmpty)
                let error = await #expect(throws: SagaError.self) {
                    try await order.requestCancellation(of: "1", reason: BusinessFailure("x"))
                }
                #expect(error?.code == .halfApplied, "nothing moves what nobody knows")

                forwarder.breakWrite(nil)
                try await restore("order", "1", "lifecycle", rig)
                _ = try await rig.redis.send(
                    .xadd(
                        try #require(letter["stream"]),
                        ["data": .string(try #require(letter["event"]))]))
                try await rig.settled("1", order, as: .completed)
            }
            #expect(try await rig.events("OrderCompleted", owner: "order").count == 1)
            #expect(try await rig.ledger("order", "1", "blocked") == nil)
        }
    }

    /// Broken at the ledger itself.
    @Test func aStepByHalfIsSetAsideAndUndoneLater() async throws {
        try await ShopRig.breakable { rig, forwarder in
            forwarder.breakWrite(BrokenWrite(marker: "PaymentProcessed", number: 2))
            try await rig.running { order in
                _ = try await order.begin("1", OrderCreated())
                try await rig.until("it is set aside") {
                    try await rig.deadLetters("payment").first?["reason"] == "half_applied"
                }
                #expect(try await rig.ledger("payment", "1", "charge") == "unknown")
                #expect(try await rig.ledger("payment", "1", "blocked") == "charge")
                #expect(try await rig.events("PaymentProcessed", owner: "payment").isEmpty)
                #expect(rig.saga.world.calls("charge") == 1)

                _ = try await order.requestCancellation(of: "1", reason: BusinessFailure("x"))
                try await rig.settled("1", order, as: .cancelled)
            }

            #expect(rig.saga.world.done("charge").isEmpty)
            #expect(try await rig.ledger("payment", "1", "blocked") == nil)
        }
    }

    @Test func recordsThatAreHalfWrittenWaitForAPerson() async throws {
        try await ShopRig.breakable { rig, forwarder in
            forwarder.breakWrite(BrokenWrite(marker: "ProductReserved", number: 5))
            let half = ["available": 999]
            try await rig.running { order in
                _ = try await order.begin("1", OrderCreated())
                try await rig.until("it is set aside") {
                    try await rig.deadLetters("inventory").count == 1
                }
                #expect(try await rig.stock() == half)

                _ = try await order.requestCancellation(of: "1", reason: BusinessFailure("x"))
                try await rig.until("nobody undoes what nobody knows") {
                    try await rig.deadLetters("inventory").count == 2
                }
            }

            #expect(
                try await rig.deadLetters("inventory").map { $0["reason"] ?? "" }
                    == ["half_applied", "contradiction"])
            #expect(try await rig.stock() == half)
            #expect(try await rig.ledger("inventory", "1", "reserve") == "unknown")
            #expect(try await rig.ledger("inventory", "1", "blocked") == "reserve")
        }
    }

    /// As after a crash between the transition and its letter.
    @Test func whatAnEarlierDeliveryLeftIsALetterAndNotRunAgain() async throws {
        try await ShopRig.breakable { rig, _ in
            let stream = rig.keys.stream("OrderCreated", owner: "order")
            _ = try await rig.runtime(rig.saga.order).begin("1", OrderCreated())
            _ = try await rig.redis.send(.xgroupCreate(stream, "payment"))
            _ = try await rig.redis.send(.xreadGroup("payment", "replica", [(stream, ">")]))
            let ledger = rig.keys.ledger("1", service: "payment")
            let left = LedgerEntry(state: "done", eventID: "e").halfApplied(from: "")
            _ = try await rig.redis.send(
                RedisCommand("HSET", [.string(ledger), "charge", .string(left.text)]))

            try await rig.running([rig.saga.payment]) { _ in
                try await rig.until("it is set aside") {
                    try await rig.deadLetters("payment").first?["reason"] == "half_applied"
                }
            }

            #expect(rig.saga.world.calls("charge") == 0 && rig.saga.world.calls("undo charge") == 0)
            #expect(try await rig.ledger("payment", "1", "charge") == "unknown")
        }
    }

    /// Nothing is written and nothing lost, however often it is tried.
    @Test(arguments: [
        ("OrderCreated", "order"), ("PaymentProcessed", "payment"),
        ("ProductReserved", "inventory"), ("ShipmentArranged", "shipping"),
        ("OrderCompleted", "order"), ("ShipmentDispatched", "shipping"),
    ])
    func aStreamWithoutIDsLeftHoldsSagasUpUntilItIsMended(
        _ type: String, _ owner: String
    ) async throws {
        let server = try await RedisServer.launch()
        try await ShopRig.with(server: server) { rig in
            let stream = rig.keys.stream(type, owner: owner)
            try await rig.exhaust(stream)
            try await rig.running { order in
                if type == "OrderCreated" {
                    let error = await #expect(throws: SagaError.self) {
                        try await order.begin("1", OrderCreated())
                    }
                    #expect(error?.code == .unavailable && error?.retry == .later)
                    #expect(try await order.status(of: "1") == nil)
                } else {
                    _ = try await order.begin("1", OrderCreated())
                    try await rig.until("Redis says so") {
                        try await refusals(rig) > 0
                    }
                }
                _ = try await rig.redis.send(.del([stream]))
                if type == "OrderCreated" { _ = try await order.begin("1", OrderCreated()) }
                try await rig.settled("1", order, as: .completed)
            }

            #expect(rig.saga.world.calls("charge") == 1)
            #expect(try await rig.events(type, owner: owner).count == 1)
            #expect(try await rig.stock() == ["available": 999, "reserved": 0, "shipped": 1])
            for service in ["order", "payment", "inventory", "shipping"] {
                #expect(try await rig.deadLetters(service).isEmpty, "\(service)")
            }
        }
        await server.stop()
    }

    @Test func aTimerWhoseStreamTakesNothingIsNotLost() async throws {
        let server = try await RedisServer.launch()
        try await ShopRig.with(server: server, deadline: .milliseconds(50)) { rig in
            let stream = rig.keys.stream(EventKind(deadlineOf: "order").type, owner: "order")
            try await rig.exhaust(stream)
            try await rig.running([rig.saga.order]) { order in
                _ = try await order.begin("1", OrderCreated())
                try await rig.until("it was tried twice") { try await refusals(rig) > 1 }
                #expect(try await order.status(of: "1") == .pending)
                _ = try await rig.redis.send(.del([stream]))
                try await rig.until("it is fired") {
                    try await order.status(of: "1") == .cancelling
                }
            }
            #expect(
                try await rig.entries(EventKind(deadlineOf: "order").type, owner: "order")
                    .count == 1)
        }
        await server.stop()
    }

    /// How often Redis refused a command, as its statistics count.
    private func refusals(_ rig: ShopRig) async throws -> Int {
        let text = try await rig.redis.send(RedisCommand("INFO", ["commandstats"])).string ?? ""
        let line = text.split(separator: "\r\n").first { $0.hasPrefix("cmdstat_xadd:") }
        return line?.split(separator: ",").last { $0.hasPrefix("failed_calls=") }
            .flatMap { Int($0.dropFirst("failed_calls=".count)) } ?? 0
    }

    /// What a letter asks a person to do with a ledger.
    private func restore(
        _ service: String, _ sagaID: String, _ field: String, _ rig: ShopRig
    ) async throws {
        let ledger = rig.keys.ledger(sagaID, service: service)
        let text =
            try await rig.redis.send(RedisCommand("HGET", [.string(ledger), .string(field)])).string
            ?? ""
        let mark = try #require(text.firstRange(of: "half_applied "))
        let before = String(text[mark.upperBound...])
        _ = try await rig.redis.send(
            RedisCommand("HSET", [.string(ledger), .string(field), .string(before)]))
        _ = try await rig.redis.send(RedisCommand("HDEL", [.string(ledger), "blocked"]))
    }
}
