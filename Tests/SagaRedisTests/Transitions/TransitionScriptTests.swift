import CloudEvents
import SagaTestKit
import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import Saga
@testable import SagaRedis

/// What the one script promises, on a real server.
@Suite(.redisServer, .timeLimit(.minutes(1)))
struct TransitionScriptTests {
    private let full = BusinessFailure("full")

    @Test func theLedgerIsComparedAndSet() async throws {
        try await ShopRig.with { rig in
            let writer = writer(rig)
            let first = try request(writer, expected: "", next: "done")
            let second = try request(writer, expected: "", next: "done")

            #expect(try await writer.apply(first) == .applied)
            #expect(try await writer.apply(first) == .applied, "its own outcome, told again")
            guard case .refused(let entry) = try await writer.apply(second) else {
                Issue.record("applied twice")
                return
            }
            #expect(entry.state == "done")
            #expect(
                try await writer.apply(request(writer, expected: "done", next: "x")) == .applied)
            #expect(try await rig.events("PaymentRefunded", owner: "payment").count == 2)
            let ledger = rig.keys.ledger("1", service: "payment")
            #expect((try await rig.timeToLive(of: ledger) ?? 0) > 86_400)
        }
    }

    @Test func aConditionThatFailsChangesNothing() async throws {
        try await ShopRig.with { rig in
            let store = rig.store("payment")
            _ = try await store.transition(
                Changes { $0.set("box:1", ["count": "2", "kind": "a"]) })
            let writes = Changes {
                $0.set("box:2", ["count": "1"])
                $0.increment("box:1", "count", by: 1)
            }
            var failing: [Changes] = [Changes(), Changes(), Changes(), Changes()]
            failing[0].require("box:1", "count", atLeast: 3, orElse: full)
            failing[1].require("box:1", "kind", equals: "b", orElse: full)
            failing[2].requireAbsent("box:1", orElse: full)
            failing[3].requireExists("box:3", orElse: full)

            for condition in failing {
                var changes = condition
                changes.append(writes)
                #expect(try await store.transition(changes) == .rejected(full))
            }

            #expect(try await store.reader.fields(of: "box:1") == ["count": "2", "kind": "a"])
            #expect(try await store.reader.fields(of: "box:2").isEmpty)
        }
    }

    @Test func everyKindOfWriteIsApplied() async throws {
        try await ShopRig.with { rig in
            let store = rig.store("payment")
            let id = "a b:{c}"
            let outcome = try await store.transition(
                of: "1",
                Transition(PaymentRefunded()) {
                    $0.requireAbsent("thing:\(id)", orElse: full)
                    $0.set("thing:\(id)", ["a": "1", "b": "2"])
                    $0.increment("thing:\(id)", "a", by: -4)
                    $0.remove("thing:\(id)", fields: ["b"])
                    $0.set("note:\(id)", text: "hello", timeToLive: .seconds(60))
                    $0.add("x", to: "index:all", score: 1)
                    $0.add("y", to: "index:all", score: 2)
                    $0.add("z", to: "index:all", score: 3)
                    $0.remove("y", from: "index:all")
                })

            #expect(outcome == .applied)
            #expect(try await store.reader.fields(of: "thing:\(id)") == ["a": "-3"])
            #expect(try await store.reader.text(of: "note:\(id)") == "hello")
            #expect(
                try await store.reader.members(of: "index:all", after: nil, limit: 9) == ["z", "x"])
            #expect(
                try await store.reader.members(of: "index:all", after: "z", limit: 9) == ["x"])
            let event = try #require(
                try await rig.events("PaymentRefunded", owner: "payment").first)
            #expect(event.subject == "1" && event.coordination == nil)
            _ = try await store.transition(Changes { $0.delete("note:\(id)") })
            #expect(try await store.reader.text(of: "note:\(id)") == nil)
        }
    }

    @Test func aRecordOfAnotherTypeIsFoundBeforeAnythingIsWritten() async throws {
        try await ShopRig.with { rig in
            let store = rig.store("payment")
            _ = try await store.transition(
                Changes {
                    $0.set("odd:1", text: "text")
                    $0.set("odd:2", ["count": "many"])
                })
            let writer = writer(rig)
            for record: RecordName in ["odd:1", "odd:2"] {
                let changes = Changes {
                    $0.set("fresh:1", ["a": "1"])
                    $0.increment(record, "count", by: 1)
                }

                await #expect(throws: SagaError.self) {
                    try await writer.apply(
                        request(writer, changes: changes, expected: "", next: "done"))
                }
            }

            #expect(try await rig.ledger("payment", "1", "charge") == nil)
            #expect(try await store.reader.fields(of: "fresh:1").isEmpty)
            #expect(try await rig.events("PaymentRefunded", owner: "payment").isEmpty)
        }
    }

    @Test func aServerOutOfMemoryChangesNothing() async throws {
        let server = try await RedisServer.launch(
            RedisServer.Options(arguments: ["--maxmemory-policy", "noeviction"]))
        try await ShopRig.with(server: server) { rig in
            let writer = writer(rig)
            _ = try await rig.redis.send(RedisCommand("CONFIG", ["SET", "maxmemory", "1"]))

            let error = await #expect(throws: SagaError.self) {
                try await writer.apply(request(writer, expected: "", next: "done"))
            }

            #expect(error?.code == .unavailable && error?.retry == .later)
            _ = try await rig.redis.send(RedisCommand("CONFIG", ["SET", "maxmemory", "0"]))
            #expect(
                try await writer.apply(request(writer, expected: "", next: "done")) == .applied)
        }
        await server.stop()
    }

    @Test func transitionsThatShareAScriptHaveNothingToDoWithEachOther() async throws {
        try await ShopRig.with { rig in
            let writer = writer(rig)
            _ = try await rig.store("payment").transition(
                Changes { $0.set("box:1", ["count": "10"]) })

            let answers = try await withThrowingTaskGroup { group in
                for number in 0..<100 {
                    let changes = Changes {
                        $0.require("box:1", "count", atLeast: 1, orElse: full)
                        $0.increment("box:1", "count", by: -1)
                    }
                    let request = try request(
                        writer, saga: "\(number % 50)", changes: changes, expected: "",
                        next: "done")
                    group.addTask { try await writer.apply(request) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }

            #expect(answers.count { $0 == .applied } == 10)
            #expect(answers.contains(.rejected(full)))
            #expect(try await rig.events("PaymentRefunded", owner: "payment").count == 10)
            let left = try await rig.store("payment").reader.fields(of: "box:1")
            #expect(left == ["count": "0"])
        }
    }

    @Test func oneThatBreaksTheScriptHarmsNoOther() async throws {
        try await ShopRig.with { rig in
            let writer = writer(rig)
            _ = try await rig.store("payment").transition(
                Changes { $0.set("odd:1", text: "text") })
            let breaking = Changes { $0.set("odd:1", ["a": "1"]) }

            let outcomes = try await withThrowingTaskGroup { group in
                for number in 0..<60 {
                    let request = try request(
                        writer, saga: "\(number)",
                        changes: number % 7 == 3 ? breaking : Changes(), expected: "", next: "done")
                    group.addTask { (number, try? await writer.apply(request)) }
                }
                return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
            }

            for number in 0..<60 {
                let expected: TransitionAnswer? = number % 7 == 3 ? nil : .applied
                #expect(outcomes[number] == expected, "\(number)")
            }
            #expect(
                try await rig.events("PaymentRefunded", owner: "payment").count
                    == outcomes.values.count)
        }
    }

    @Test func aLedgerMayGoAfterItsLastTransitionOnly() async throws {
        try await ShopRig.with { rig in
            let writer = writer(rig)
            let ledger = rig.keys.ledger("1", service: "payment")

            _ = try await writer.apply(request(writer, expected: "", next: "a", isLast: false))
            #expect(try await rig.timeToLive(of: ledger) == -1)
            _ = try await writer.apply(request(writer, expected: "a", next: "b"))
            #expect((try await rig.timeToLive(of: ledger) ?? 0) > 86_400)
            _ = try await writer.apply(request(writer, expected: "b", next: "c", isLast: false))
            #expect(try await rig.timeToLive(of: ledger) == -1, "something has yet to follow")
            _ = try await rig.redis.send(
                RedisCommand("HSET", [.string(ledger), "end", "cancelled"]))
            _ = try await writer.apply(request(writer, expected: "c", next: "d", isLast: false))
            #expect((try await rig.timeToLive(of: ledger) ?? 0) > 86_400, "its saga has ended")
            _ = try await rig.redis.send(
                RedisCommand("HSET", [.string(ledger), "blocked", "reserve e1"]))
            _ = try await writer.apply(request(writer, expected: "d", next: "e", isLast: false))
            #expect(try await rig.timeToLive(of: ledger) == -1, "something is blocked")
        }
    }

    @Test func anyNameOfAFieldIsWrittenAsItIs() async throws {
        try await ShopRig.with { rig in
            let store = rig.store("payment")
            let names = [
                "", "'", "a'b\\", "\n", "\u{0}", "ÄÖ", "]]", String(repeating: "n", count: 5000),
            ]
            let fields = Dictionary(uniqueKeysWithValues: names.map { ($0, "value of " + $0) })

            _ = try await store.transition(Changes { $0.set("box:1", fields) })

            #expect(try await store.reader.fields(of: "box:1") == fields)
            _ = try await store.transition(Changes { $0.remove("box:1", fields: names) })
            #expect(try await store.reader.fields(of: "box:1").isEmpty)
        }
    }

    @Test func aTransitionMayBeLarge() async throws {
        try await ShopRig.with { rig in
            let writer = writer(rig)
            let fields = Dictionary(uniqueKeysWithValues: (0..<1000).map { ("f\($0)", "\($0)") })
            let changes = Changes { changes in
                changes.set("large:1", fields)
                for number in 0..<300 {
                    changes.requireAbsent("part:\(number)", orElse: full)
                    changes.require("count:\(number)", "n", atLeast: 0, orElse: full)
                    changes.increment("count:\(number)", "n", by: number)
                }
            }

            let answer = try await writer.apply(
                request(writer, changes: changes, expected: "", next: "done"))

            #expect(answer == .applied)
            let reader = rig.store("payment").reader
            #expect(try await reader.fields(of: "large:1") == fields)
            #expect(try await reader.fields(of: "count:299") == ["n": "299"])
        }
    }

    @Test func madeUpNamesDoNotFillTheServerWithScripts() async throws {
        try await ShopRig.with { rig in
            let store = rig.store("payment")
            let count = TransitionScripts.maximum + 300
            for number in 0..<count {
                _ = try await store.transition(
                    Changes { $0.set("cart:1", ["product \(number)": "\(number)"]) })
            }

            let fields = try await store.reader.fields(of: "cart:1")
            #expect(fields.count == count && fields["product \(count - 1)"] == "\(count - 1)")
            let memory = try await rig.redis.send(RedisCommand("INFO", ["memory"])).string ?? ""
            let scripts = memory.split(separator: "\r\n")
                .first { $0.hasPrefix("number_of_cached_scripts:") }
                .flatMap { Int($0.split(separator: ":")[1]) }
            #expect((scripts ?? .max) < TransitionScripts.maximum + 50)
        }
    }

    private func writer(_ rig: ShopRig) -> TransitionWriter {
        rig.writer("payment")
    }

    private func request(
        _ writer: TransitionWriter, saga: String = "1", changes: Changes = Changes(),
        expected: String, next: String, isLast: Bool = true
    ) throws -> StoreTransition {
        writer.transition(
            try PlannedTransition(Transition(PaymentRefunded(), changes: changes)),
            origin: TransitionWriter.Origin(sagaID: saga), field: "charge", expected: expected,
            next: next, isLast: isLast)
    }
}
