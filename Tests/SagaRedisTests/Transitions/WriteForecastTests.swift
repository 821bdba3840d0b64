import Saga
import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import SagaRedis

/// What one write does to the next is known before anything is sent.
@Suite(.redisServer, .timeLimit(.minutes(1)))
struct WriteForecastTests {
    private static let record: RecordName = "box:1"

    /// Each is applied as a whole, or nothing of it is: what Redis would refuse half way is found.
    @Test(arguments: [true, false])
    func whateverIsWrittenTogetherIsAppliedWholeOrNotAtAll(_ isAfterOther: Bool) async throws {
        try await ShopRig.with { rig in
            let store = rig.store("payment")
            let key = rig.keys.record(Self.record, service: "payment")
            let starts: [RedisCommand?] = [
                nil, RedisCommand("HSET", [.string(key), "n", "5"]),
                RedisCommand("HSET", [.string(key), "n", "\(Int.max - 1)"]),
                RedisCommand("HSET", [.string(key), "n", "-\(Int.max - 1)"]),
                RedisCommand("SET", [.string(key), "text"]),
                RedisCommand("ZADD", [.string(key), "1", "n"]),
            ]
            for (number, start) in starts.enumerated() {
                for (first, second) in Self.pairs {
                    _ = try await rig.redis.send(.del([key]))
                    if let start { _ = try await rig.redis.send(start) }
                    let before = try await rig.redis.send(RedisCommand("DUMP", [.string(key)]))
                    let changes = Changes { changes in
                        if isAfterOther { changes.set("mark:1", ["is": "\(number)"]) }
                        first(&changes)
                        second(&changes)
                    }
                    _ = try await rig.redis.send(
                        .del([rig.keys.record("mark:1", service: "payment")]))

                    do throws(SagaError) {
                        _ = try await store.transition(changes)
                    } catch {
                        #expect(error.code != .halfApplied, "\(number) \(changes)")
                        let after = try await rig.redis.send(RedisCommand("DUMP", [.string(key)]))
                        #expect(after.buffer == before.buffer, "\(number) \(changes)")
                        #expect(try await store.reader.fields(of: "mark:1").isEmpty)
                    }
                }
            }
        }
    }

    @Test func whatCannotWorkIsSaidInASentence() async throws {
        try await ShopRig.with { rig in
            let store = rig.store("payment")
            func fault(_ gather: (inout Changes) -> Void) async -> String {
                await #expect(throws: SagaError.self) {
                    try await store.transition(Changes(gather))
                }?.message ?? ""
            }

            #expect(
                await fault {
                    $0.set("box:1", text: "text")
                    $0.set("box:1", ["a": "1"])
                }.contains("box:1 is written as a string and as a hash"))
            #expect(
                await fault {
                    $0.set("box:1", ["a": "x"])
                    $0.increment("box:1", "a", by: 1)
                }.contains("a of box:1 would not be a number within 64 bits"))
            #expect(
                await fault {
                    $0.set("box:1", ["a": "x"])
                    $0.add("m", to: "index:1", score: .nan)
                }.contains("the score of m in index:1 is not a number"))
        }
    }

    @Test func timesToLiveAreCutToWhatRedisTakes() async throws {
        try await ShopRig.with { rig in
            let store = rig.store("payment")
            for time in [
                Duration.seconds(Int64.max), .milliseconds(Int64.max), .zero, .seconds(-1),
                .seconds(Int64.min),
            ] {
                let changes = Changes {
                    $0.set("box:1", ["a": "1"])
                    $0.set("key:1", text: "x", timeToLive: time)
                }
                let outcome = try await store.transition(changes)
                #expect(outcome == .applied, "\(time)")
            }
        }
    }

    private typealias Write = @Sendable (inout Changes) -> Void

    private static let writes: [Write] =
        [
            { $0.set(record, ["n": "7"]) }, { $0.set(record, ["n": "x"]) },
            { $0.set(record, ["n": "\(Int.max)"]) }, { $0.remove(record, fields: ["n"]) },
            { $0.set(record, text: "text") }, { $0.delete(record) },
            { $0.add("m", to: record, score: 1) }, { $0.add("m", to: record, score: .infinity) },
            { $0.add("m", to: record, score: .nan) }, { $0.remove("n", from: record) },
        ]
        + [Int.min, Int.min + 1, -1, 0, 1, Int.max / 2 + 1, Int.max].map { amount in
            { $0.increment(record, "n", by: amount) }
        }

    private static var pairs: [(Write, Write)] {
        writes.flatMap { first in writes.map { (first, $0) } }
    }
}
