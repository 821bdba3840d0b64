import CloudEvents
import SagaTestKit
import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import Saga
@testable import SagaRedis

/// Whatever has a type of its own is found before anything is written, wherever it stands, and
/// harms no other transition.
@Suite(.redisServer, .timeLimit(.minutes(1)))
struct TransitionFaultTests {
    @Test func aStreamOfAnotherTypeIsFoundBeforeAnythingIsWritten() async throws {
        try await expectsNothingWritten(retry: .later) { rig in
            rig.keys.stream("PaymentRefunded", owner: "payment")
        }
    }

    @Test func timersOfAnotherTypeAreFoundBeforeAnythingIsWritten() async throws {
        try await expectsNothingWritten(retry: .later) { $0.keys.timers("payment") }
    }

    /// As a set is told from a sorted set.
    @Test func typesAreComparedAsAWhole() async throws {
        try await expectsNothingWritten(retry: .later, command: ["SADD"]) {
            $0.keys.timers("payment")
        }
    }

    @Test func aLedgerOfAnotherTypeIsFoundBeforeAnythingIsWritten() async throws {
        try await expectsNothingWritten(retry: .later) { $0.keys.ledger("1", service: "payment") }
    }

    @Test(arguments: ["first:1", "middle:1", "last:1"])
    func aRecordOfAnotherTypeIsFoundBeforeAnythingIsWritten(record: RecordName) async throws {
        try await expectsNothingWritten(retry: .never) {
            $0.keys.record(record, service: "payment")
        }
    }

    @Test(arguments: [
        "first:1", "middle:1",
    ])
    func aSumThatWouldOverflowIsFoundBeforeAnythingIsWritten(record: RecordName) async throws {
        try await ShopRig.with { rig in
            let store = rig.store("payment")
            for number in ["9223372036854775807", "007", "1e3", ""] {
                _ = try await store.transition(Changes { $0.set(record, ["count": number]) })

                let error = await #expect(throws: SagaError.self) { try await apply(rig) }

                #expect(error?.retry == .never, "\(number)")
                #expect(try await rig.ledger("payment", "1", "charge") == nil)
                #expect(try await rig.events("PaymentRefunded", owner: "payment").isEmpty)
                #expect(try await store.reader.fields(of: record) == ["count": number])
            }
        }
    }

    @Test(arguments: [
        ("WRONGTYPE Operation against a key holding the wrong kind of value", false),
        ("ERR hash value is not an integer script: 0af, on @user_script:12.", false),
        ("ERR increment or decrement would overflow", false),
        ("ERR string exceeds maximum allowed size (proto-max-bulk-len)", false),
        ("NOPERM User default has no permissions to run the 'evalsha' command", true),
        ("NOAUTH Authentication required.", true), ("MOVED 1 127.0.0.1:7001", true),
        ("ERR unknown command 'XADD', with args beginning with: ", true),
        ("ERR Error running script (call to f_0af): @user_script:5: -OOM not allowed", true),
        ("OOM command not allowed when used memory > 'maxmemory'.", true),
        ("UNKNOWN what a later version may say", true),
    ])
    func onlyWhatProvesTheDataAtFaultIsNotTriedAgain(_ text: String, _ isRetried: Bool) {
        let error = SagaError(RedisError(serverText: text))

        #expect((error.retry == .later) == isRetried)
        #expect(error.code == (isRetried ? .unavailable : .unexpectedState))
    }

    @Test(arguments: [("6.2.14", true), ("6.0", true), ("7.0.0", false), ("8", false), ("", false)])
    func serversOlderThanSevenAreRefused(_ version: String, _ isTooOld: Bool) {
        #expect(ServerVersion.isTooOld(version) == isTooOld)
    }

    // MARK: - A transition of everything

    private func expectsNothingWritten(
        retry: SagaError.RetryAdvice, command: [String] = ["SET"], _ key: (ShopRig) -> String
    ) async throws {
        try await ShopRig.with { rig in
            let odd = key(rig)
            _ = try await rig.redis.send(RedisCommand(command[0], [.string(odd), "text"]))
            async let other: TransitionAnswer? = try? apply(rig, saga: "2", isPlain: true)

            let error = await #expect(throws: SagaError.self) { try await apply(rig) }

            #expect(error?.retry == retry)
            _ = await other
            for stream in ["PaymentRefunded"] where !odd.hasSuffix(stream) {
                let found = try await rig.events(stream, owner: "payment")
                #expect(!found.contains { $0.subject == "1" })
            }
            _ = try await rig.redis.send(.del([odd]))
            #expect(try await apply(rig) == .applied, "and all is well once it is gone")
            let first = try await rig.store("payment").reader.fields(of: "first:1")
            #expect(first["count"] == "1", "nothing was written twice")
        }
    }

    private func apply(
        _ rig: ShopRig, saga: String = "1", isPlain: Bool = false
    ) async throws -> TransitionAnswer {
        let writer = writer(rig)
        return try await writer.apply(request(writer, rig, saga: saga, isPlain: isPlain))
    }

    private func writer(_ rig: ShopRig) -> TransitionWriter {
        rig.writer("payment")
    }

    private func request(
        _ writer: TransitionWriter, _ rig: ShopRig, saga: String = "1", isPlain: Bool = false
    ) throws -> StoreTransition {
        let changes = Changes {
            if isPlain { return }
            $0.increment("first:1", "count", by: 1)
            $0.increment("middle:1", "count", by: 1)
            $0.setTimer(saga, event: "Late", after: .seconds(100))
            $0.add("member", to: "last:1", score: 1)
        }
        return writer.transition(
            try PlannedTransition(Transition(PaymentRefunded(), changes: changes)),
            origin: TransitionWriter.Origin(sagaID: saga), field: "charge", expected: "",
            next: "done")
    }
}
