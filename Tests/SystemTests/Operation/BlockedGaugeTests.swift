import SagaRedis
import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import troupe

/// What the gauges of sagas show of a system that runs.
@Suite(.timeLimit(.minutes(2)), .system(.oneProcess))
struct BlockedGaugeTests {
    private func value(_ sample: String) async throws -> Double? {
        let system = try RunningSystem.current
        let page = try await Web.get("http://\(Addresses.host):\(system.addresses.admin)/metrics")
        let line = page.body.split(separator: "\n").first { $0.hasPrefix(sample + " ") }
        return line?.split(separator: " ").last.flatMap { Double($0) }
    }

    @Test func whatIsBlockedIsCountedByItsState() async throws {
        let system = try RunningSystem.current
        let client = system.redis.client()
        let names = SagaKeys()
        let ledger = "saga:{payment}:ledger:x"
        // As the letter of an event that brings processes down leaves it.
        _ = try await client.send(RedisCommand("HSET", [.string(ledger), "blocked", "charge e"]))
        _ = try await client.send(
            RedisCommand("ZADD", [.string(names.blocked("payment")), 1_000, "x"]))

        try await eventually("it is shown") {
            try await value(#"saga_blocked{service="payment",state="letter"}"#) == 1
        }

        #expect(try await value(#"saga_blocked{service="payment",state="owes"}"#) == 0)
        #expect(try await value(#"saga_blocked{service="payment",state="asks"}"#) == 0)
        let age = try await value(#"saga_blocked_oldest_seconds{service="payment"}"#)
        #expect((age ?? 0) > 1_000)
        _ = try await client.send(RedisCommand("HDEL", [.string(ledger), "blocked"]))
        try await eventually("it is gone") {
            try await value(#"saga_blocked{service="payment",state="letter"}"#) == 0
        }
        await client.shutdown()
    }

    @Test func ordersAreCountedUntilTheyEnd() async throws {
        let system = try RunningSystem.current
        let product = try await system.newProduct(stock: 5)

        let order = try await system.placed(RunningSystem.order(product, token: "tok_timeout"))

        try await eventually("it is open") {
            try await value(#"saga_open{service="order"}"#) == 1
        }
        _ = try await system.ended(order)
        try await eventually("it is not any more") {
            try await value(#"saga_open{service="order"}"#) == 0
        }
    }
}
