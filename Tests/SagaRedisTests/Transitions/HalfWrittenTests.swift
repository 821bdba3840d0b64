import CloudEvents
import SagaTestKit
import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import Saga
@testable import SagaRedis

/// Whichever write of a transition fails: before the first one stands, nothing was done; after it,
/// nobody hears of it, the ledger says so, and nothing runs it again.
@Suite(.redisServer, .timeLimit(.minutes(1)))
struct HalfWrittenTests {
    /// Events first, then the first record: until that stands, all of it is taken back.
    private static let writes = [
        "XADD", "XADD", "HSET", "HSET", "HDEL", "EXPIRE", "ZADD", "HINCRBY", "ZADD", "SET",
    ]
    private static let firstRecord = 2

    @Test(arguments: ["", "done"])
    func whicheverWriteFailsNothingIsTold(_ state: String) async throws {
        try await ShopRig.with { rig in
            let writer = writer(rig)
            for (number, command) in Self.writes.enumerated() {
                let saga = "\(number)"
                let ledger = rig.keys.ledger(saga, service: "payment")
                if !state.isEmpty { try await blocked(in: state, ledger, rig) }
                let request = try request(writer, saga, expected: state)
                let source = rig.sagaStore("payment").request(request).script.script.source
                #expect(BrokenWrite.writes(of: source) == Self.writes)
                // Only what is blocked is unblocked.
                if command == "HDEL", state.isEmpty { continue }

                let error = await #expect(throws: SagaError.self) {
                    try await run(request, breaking: number, rig)
                }

                for type in ["PaymentRefunded", "PaymentFailed"] {
                    #expect(try await rig.events(type, owner: "payment").isEmpty, "\(number)")
                }
                if number <= Self.firstRecord {
                    #expect(error?.code == .unavailable && error?.retry == .later)
                    try await expectsUntouched(saga, state, rig)
                    #expect(try await writer.apply(request) == .applied)
                    for type in ["PaymentRefunded", "PaymentFailed"] {
                        _ = try await rig.redis.send(
                            .del([rig.keys.stream(type, owner: "payment")]))
                    }
                } else {
                    #expect(error?.code == .halfApplied && error?.retry == .never)
                    try await expectsUnknown(saga, state, request, rig)
                    try await expectsNeverRunAgain(saga, state, request, writer, rig)
                }
            }
        }
    }

    @Test func aStreamWithoutIDsLeftIsFoundBeforeAnythingIsWritten() async throws {
        for stream in ["PaymentRefunded", "PaymentFailed"] {
            try await ShopRig.with { rig in
                let key = rig.keys.stream(stream, owner: "payment")
                try await rig.exhaust(key)
                let writer = writer(rig)
                let requests = try (0..<6).map { try request(writer, "\($0)", expected: "") }

                let errors = await withTaskGroup { group in
                    for request in requests {
                        group.addTask { () -> SagaError? in
                            do throws(SagaError) {
                                _ = try await writer.apply(request)
                                return nil
                            } catch { return error }
                        }
                    }
                    return await group.reduce(into: []) { $0.append($1) }
                }

                #expect(errors.allSatisfy { $0?.code == .unavailable && $0?.retry == .later })
                for saga in 0..<6 { try await expectsUntouched("\(saga)", "", rig) }
                _ = try await rig.redis.send(.del([key]))
                for request in requests { #expect(try await writer.apply(request) == .applied) }
                for type in ["PaymentRefunded", "PaymentFailed"] {
                    #expect(try await rig.events(type, owner: "payment").count == 6)
                }
            }
        }
    }

    // MARK: - What is expected

    private func expectsUntouched(_ saga: String, _ state: String, _ rig: ShopRig) async throws {
        let reader = rig.store("payment").reader
        #expect(try await rig.ledger("payment", saga, "charge") ?? "" == state)
        #expect(try await reader.fields(of: "first:\(saga)").isEmpty)
        #expect(try await reader.fields(of: "middle:\(saga)").isEmpty)
        #expect(try await reader.members(of: "last:\(saga)", after: nil, limit: 9).isEmpty)
    }

    private func expectsUnknown(
        _ saga: String, _ state: String, _ request: StoreTransition, _ rig: ShopRig
    ) async throws {
        let ledger = rig.keys.ledger(saga, service: "payment")
        let text =
            try await rig.redis.send(
                RedisCommand("HGET", [.string(ledger), "charge"])
            ).string ?? ""
        #expect(LedgerEntry(text).stateBeforeHalf == state, "\(text)")
        #expect(LedgerEntry(text).eventID == request.mark?.next.eventID)
        #expect(try await rig.ledger("payment", saga, "blocked") == "charge")
        #expect(try await rig.timeToLive(of: ledger) == -1)
        #expect(try await rig.store("payment").reader.text(of: "key:\(saga)") == nil, "it is last")
    }

    private func expectsNeverRunAgain(
        _ saga: String, _ state: String, _ request: StoreTransition, _ writer: TransitionWriter,
        _ rig: ShopRig
    ) async throws {
        let before = try await rig.fields("payment", "middle:\(saga)")
        let again = await #expect(throws: SagaError.self) { try await writer.apply(request) }
        #expect(again?.code == .halfApplied, "its own, as after an answer that was lost")
        let other = try self.request(writer, saga, expected: state)
        guard case .refused(let entry) = try await writer.apply(other) else {
            Issue.record("another is applied")
            return
        }
        #expect(entry.state == "unknown")
        #expect(try await rig.fields("payment", "middle:\(saga)") == before)
    }

    // MARK: - A transition of everything

    private func run(
        _ request: StoreTransition, breaking number: Int, _ rig: ShopRig
    ) async throws -> TransitionAnswer {
        let request = rig.sagaStore("payment").request(request)
        let script = request.script.script.source
        let broken = BrokenWrite(marker: "PaymentRefunded", number: number).altered(script)
        var (keys, values) = (RedisArguments(), RedisArguments())
        keys.append(contentsOf: request.script.sharedKeys)
        request.append(toKeys: &keys, values: &values)
        let reply = try await rig.redis.evaluate(
            RedisScript(broken), keys: keys, arguments: values)
        return try request.answer(try #require(reply[0]))
    }

    private func blocked(in state: String, _ ledger: String, _ rig: ShopRig) async throws {
        _ = try await rig.redis.send(
            RedisCommand(
                "HSET",
                [
                    .string(ledger), "charge", .string("\(state) some-event"), "blocked",
                    "charge some-event",
                ]))
    }

    private func writer(_ rig: ShopRig) -> TransitionWriter {
        rig.writer("payment")
    }

    private func request(
        _ writer: TransitionWriter, _ saga: String, expected: String
    ) throws -> StoreTransition {
        let changes = Changes {
            $0.set("first:\(saga)", ["is": "there"])
            $0.increment("middle:\(saga)", "count", by: 1)
            $0.add("member", to: "last:\(saga)", score: 1)
            $0.set("key:\(saga)", text: "used", timeToLive: .seconds(60))
            $0.setTimer(saga, event: "Late", after: .seconds(100))
        }
        var planned = try PlannedTransition(Transition(PaymentRefunded(), changes: changes))
        planned.events += try PlannedTransition(
            Transition(PaymentFailed(reason: "x", detail: ""))
        ).events
        return writer.transition(
            planned, origin: TransitionWriter.Origin(sagaID: saga), field: "charge",
            expected: expected, next: "next")
    }
}
