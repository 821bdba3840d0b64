import CloudEvents
import Saga
import SagaRedis
import SagaTestKit
import Testing
import TroupeRedis
import TroupeRedisTestKit

/// What cannot be dealt with is set aside with its reason, and the stream goes on.
@Suite(.redisServer, .timeLimit(.minutes(1)))
struct DeadLetterTests {
    @Test func whatCannotBeReadIsSetAsideAndTheStreamGoesOn() async throws {
        try await ShopRig.with { rig in
            let stream = rig.keys.stream("OrderCreated", owner: "order")
            let event = CloudEvent(
                source: "/order", type: "OrderCreated", subject: "x",
                data: Array(#"{"card":"good","country":"DE","quantity":1}"#.utf8))
            var future = event
            future.dataVersion = 9
            var foreign = event
            foreign.type = "SomethingElse"
            var wrong = event
            wrong.data = Array(#"{"card":1}"#.utf8)
            let old = String(decoding: event.json(), as: UTF8.self)
                .replacing(#""specversion":"1.0""#, with: #""specversion":"0.3""#)
            try await rig.running { order in
                for bytes in [
                    Array("no json".utf8), Array(old.utf8), future.json(), foreign.json(),
                    wrong.json(),
                ] {
                    _ = try await rig.redis.send(.xadd(stream, ["data": .bytes(bytes)]))
                }
                _ = try await rig.redis.send(.xadd(stream, ["other": "field"]))
                _ = try await order.begin("1", OrderCreated())
                try await rig.settled("1", order, as: .completed)
                try await rig.until("all are set aside") {
                    try await rig.deadLetters("payment").count == 6
                }
                try await rig.until("all are acknowledged") {
                    try await rig.pending("OrderCreated", owner: "order", group: "payment") == 0
                }
            }

            let letters = try await rig.deadLetters("payment")
            #expect(
                letters.map { $0["reason"] ?? "" }.sorted() == [
                    "future_version", "undecodable", "undecodable", "undecodable", "undecodable",
                    "unknown_type",
                ])
            #expect(letters.allSatisfy { $0["stream"] == stream && $0["group"] == "payment" })
            #expect(letters.contains { $0["event"] == "no json" })
            #expect(letters.contains { $0["event"].map { Array($0.utf8) } == wrong.json() })
        }
    }

    /// As after a crash between the letter and the acknowledgement.
    @Test func entryThatComesBackHasOneLetter() async throws {
        try await ShopRig.with { rig in
            let stream = rig.keys.stream("OrderCreated", owner: "order")
            func texts(whenThereAre letters: Int) async throws -> [String] {
                try await rig.running([rig.saga.payment]) { _ in
                    try await rig.until("\(letters) letters and nothing pending") {
                        let pending = try await rig.pending(
                            "OrderCreated", owner: "order", group: "payment")
                        return try await rig.deadLetters("payment").count == letters && pending == 0
                    }
                }
                // Entries that cannot be read belong to no saga and run side by side, so that their
                // letters have no order.
                return try await rig.deadLetters("payment").compactMap { $0["event"] }.sorted()
            }
            _ = try await rig.redis.send(.xadd(stream, ["data": "no json"]))
            #expect(try await texts(whenThereAre: 1) == ["no json"])
            _ = try await rig.redis.send(
                RedisCommand("XGROUP", ["SETID", .string(stream), "payment", "0"]))
            _ = try await rig.redis.send(.xadd(stream, ["data": "nor this"]))

            #expect(try await texts(whenThereAre: 2) == ["no json", "nor this"])

            // Who takes a letter away and lets the stream be read again wants to see it again.
            _ = try await rig.redis.send(.del([rig.keys.dead("payment")]))
            _ = try await rig.redis.send(
                RedisCommand("XGROUP", ["SETID", .string(stream), "payment", "0"]))
            #expect(try await texts(whenThereAre: 2) == ["no json", "nor this"])
        }
    }

    /// Stock would stay reserved for ever, and only the letter would tell.
    @Test func aFinishThatBecomesALetterBlocksTheStepThatOwesIt() async throws {
        try await ShopRig.with { rig in
            let stream = rig.keys.stream("OrderCompleted", owner: "order")
            try await rig.running([rig.saga.order, rig.saga.payment, rig.saga.inventory]) { order in
                _ = try await order.begin("1", OrderCreated())
                try await rig.until("it is reserved") {
                    try await rig.ledger("inventory", "1", "reserve") == "done"
                }
                for saga in ["1", "stranger"] {
                    _ = try await rig.redis.send(
                        .xadd(stream, ["data": "no json", "correlationid": .string(saga)]))
                }
                try await rig.until("both are letters") {
                    try await rig.deadLetters("inventory").count == 2
                }
            }

            #expect(try await rig.ledger("inventory", "1", "blocked") == "reserve")
            #expect(try await rig.ledger("inventory", "stranger", "blocked") == nil)
        }
    }

    /// Found by another replica, or by the same one when it starts again.
    @Test(arguments: ["crashing", "replica"])
    func whatBringsProcessesDownIsSetAside(_ consumer: String) async throws {
        try await ShopRig.with {
            $0.lease = .milliseconds(100)
        } _: { rig in
            let stream = rig.keys.stream("OrderCreated", owner: "order")
            _ = try await rig.runtime(rig.saga.order).begin("1", OrderCreated())
            _ = try await rig.redis.send(.xgroupCreate(stream, "payment"))
            _ = try await rig.redis.send(.xreadGroup("payment", consumer, keys: [stream]))
            try await rig.mark("OrderCreated", as: "trying 1 2", of: consumer)

            try await rig.running([rig.saga.payment]) { _ in
                try await rig.until("it is set aside") {
                    try await rig.deadLetters("payment").count == 1
                }
            }

            #expect(try await rig.deadLetters("payment").first?["reason"] == "too_many_deliveries")
            #expect(rig.saga.world.calls("charge") == 0)
        }
    }
}
