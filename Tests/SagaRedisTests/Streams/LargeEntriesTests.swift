import CloudEvents
import Foundation
import Saga
import SagaRedis
import SagaTestKit
import Testing
import TroupeRedis
import TroupeRedisTestKit

/// Reads bring no more bytes than one may, whatever lies in a stream.
@Suite(.redisServer, .serialized, .timeLimit(.minutes(3)))
struct LargeEntriesTests {
    @Test func manyLargeEntriesComeThroughAndHoldUpNobodyElse() async throws {
        try await ShopRig.with { rig in
            try await add(130, sagas: "large", of: 5 << 20, to: rig)
            let cancelled = rig.keys.stream("OrderCancellationRequested", owner: "order")
            _ = try await rig.redis.send(
                .xadd(cancelled, ["data": "no json", "correlationid": "x"]))
            let before = try memory("VmRSS")
            try "5".write(toFile: "/proc/self/clear_refs", atomically: false, encoding: .utf8)

            try await rig.running([rig.saga.payment]) { _ in
                let reads = Task {
                    var count = 0
                    while !Task.isCancelled {
                        do {
                            _ = try await rig.fields("payment", "payment:large1")
                        } catch {
                            guard Task.isCancelled else { throw error }
                        }
                        count += 1
                    }
                    return count
                }
                try await rig.until("all are charged", within: .seconds(60)) {
                    rig.saga.world.done("charge").count == 130
                }
                try await rig.until("what another stream brings is dealt with") {
                    try await rig.deadLetters("payment").count == 1
                }
                reads.cancel()
                #expect(try await reads.value > 10)
            }

            let growth = try memory("VmHWM") - before
            #expect(growth < 450 << 20, "\(growth >> 20) MB")
            #expect(try await rig.deadLetters("payment").map { $0["reason"] } == ["undecodable"])
        }
    }

    @Test func whatIsTooLargeAloneBecomesALetterAndTheStreamGoesOn() async throws {
        try await ShopRig.with { rig in
            try await add(1, sagas: "huge", of: 200 << 20, to: rig)
            try await rig.running { order in
                _ = try await order.begin("1", OrderCreated())
                try await rig.settled("1", order, as: .completed)
                try await rig.until("it is a letter and dealt with") {
                    let pending = try await rig.pending(
                        "OrderCreated", owner: "order", group: "payment")
                    return try await rig.deadLetters("payment").count == 1 && pending == 0
                }
            }

            let letter = try await rig.deadLetters("payment").first
            #expect(letter?["reason"] == "too_large" && letter?["event"] == "")
            let entries = try await rig.redis.send(
                .xpending(rig.keys.stream("OrderCreated", owner: "order"), "payment"))
            #expect(entries[0]?.integer == 0)
            #expect(letter?["entry"]?.isEmpty == false)
            // Whoever could read it may have acted on it.
            #expect(try await rig.ledger("payment", "huge0", "charge") == "unknown")
        }
    }

    /// Adds orders whose entries are as large as that; the server makes them itself.
    private func add(_ count: Int, sagas: String, of bytes: Int, to rig: ShopRig) async throws {
        let stream = rig.keys.stream("OrderCreated", owner: "order")
        let script = RedisScript(
            """
            local filling = string.rep('x', tonumber(ARGV[3]))
            for number = 0, tonumber(ARGV[1]) - 1 do
                local saga = ARGV[2] .. number
                redis.call('XADD', KEYS[1], '*', 'data', (string.gsub(ARGV[4], 'SAGA', saga)),
                    'correlationid', saga, 'filling', filling)
            end
            """)
        let event = CloudEvent(
            source: "/order", type: "OrderCreated", subject: "SAGA", route: "saga",
            data: Array(#"{"card":"good","country":"DE","quantity":1}"#.utf8))
        _ = try await rig.redis.evaluate(
            script, keys: [stream],
            arguments: [
                .integer(count), .string(sagas), .integer(bytes), .bytes(event.json()),
            ], timeout: .seconds(60))
    }

    /// Of this whole process, which runs other tests as well.
    private func memory(_ line: String) throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let found = status.split(separator: "\n").first { $0.hasPrefix(line + ":") }
        let kilobytes = found?.split { !$0.isNumber }.first.flatMap { Int($0) }
        return try #require(kilobytes) << 10
    }
}
