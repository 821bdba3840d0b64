import CloudEvents
import NIOCore
import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import troupe

/// Events that nobody can use, put on a stream by hand.
@Suite(.system, .timeLimit(.minutes(2)))
struct FaultyEventTests {
    private static let saga = UUIDv7.next()

    private static func event(_ type: String, version: Int, data: String) -> String {
        let event = CloudEvent(
            source: "/order", type: type, subject: saga, dataVersion: version,
            data: Array(data.utf8))
        return String(decoding: event.json(), as: UTF8.self)
    }

    private static let faults: [(String, String)] = [
        ("not even JSON", "undecodable"),
        ("{}", "undecodable"),
        (event("OrderCreated", version: 1, data: #"{"surprise":true}"#), "undecodable"),
        (event("OrderMislaid", version: 1, data: "{}"), "unknown_type"),
        (event("OrderCreated", version: 99, data: "{}"), "future_version"),
    ]

    @Test(arguments: FaultyEventTests.faults)
    func itBecomesADeadLetterAndTheStreamMovesOn(text: String, reason: String) async throws {
        let system = try RunningSystem.current
        let client = system.redis.client()
        let product = try await system.newProduct(stock: 5)

        _ = try await client.send(
            RedisCommand("XADD", ["saga:{order}:OrderCreated", "*", "data", .string(text)]))
        let id = try await system.placed(RunningSystem.order(product))

        #expect(try await system.ended(id).text("status") == "completed")
        let letter = try await eventualValue("the dead letter") {
            try await client.send(RedisCommand("XRANGE", ["saga:{payment}:dead", "-", "+"]))
                .streamEntries()
                .first { $0["event"].map { String(buffer: $0) } == text }
        }
        #expect(letter["reason"].map { String(buffer: $0) } == reason)
        #expect(letter["stream"].map { String(buffer: $0) } == "saga:{order}:OrderCreated")
        let metrics = try await Web.get(
            "http://\(Addresses.host):\(system.addresses.admin)/metrics"
        ).body
        let counted = metrics.split(separator: "\n").first {
            $0.hasPrefix("saga_dead_letters_total{") && $0.contains(#"service="payment""#)
                && $0.contains("code=\"\(reason)\"")
        }
        #expect(counted?.hasSuffix(" 0") == false, "\(counted ?? "")")
        try await system.audit(product, stock: 5, orders: [id])
        await client.shutdown()
    }
}
