import NIOCore
import Synchronization
import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import troupe

/// An order that is being cancelled is shown so, although nothing of it is undone yet.
@Suite(.system(.oneProcess), .timeLimit(.minutes(3)))
struct CancellingAnswersTests {
    /// What a reader was answered, one line for each change.
    private final class Seen: Sendable {
        private let statuses = Mutex<[String]>([])

        func note(_ status: String) {
            statuses.withLock { if $0.last != status { $0.append(status) } }
        }

        var all: [String] { statuses.withLock { $0 } }
    }

    /// A failure is nobody's write through this gateway: without an event it would answer `pending`
    /// for as long as it keeps an answer, which is longer than this test waits.
    @Test func aGatewayHearsThatAnOrderIsBeingCancelled() async throws {
        let system = try RunningSystem.current
        let client = system.redis.client()
        let product = try await system.newProduct(stock: 5)
        try await pause("shipping", true, client)
        let id = try await system.placed(RunningSystem.order(product, country: "AQ"))
        try await eventually("it is charged and reserved") {
            try await system.stock(of: product) == [4, 1, 0]
        }
        // Its money comes back only once this ends, so it stays `cancelling`; and all that others
        // say of the failure is said before the order hears of it.
        for service in ["payment", "order"] { try await pause(service, true, client) }
        try await pause("shipping", false, client)
        try await eventually("what was reserved is released") {
            try await system.stock(of: product) == [5, 0, 0]
        }
        let paths = ["/orders/\(id)/details", "/orders/\(id)"]
        for path in paths {
            try await eventually("\(path) is kept, as any other answer") {
                let answer = try await Web.get(system.gateway + path)
                return status(in: answer) == "pending" && life(of: answer) > 30
            }
        }

        let readers = paths.map { path in
            let seen = Seen()
            let task = Task {
                while !Task.isCancelled {
                    let answer = try await Web.get(system.gateway + path)
                    seen.note(status(in: answer) ?? "\(answer.status)")
                }
            }
            return (seen, task)
        }
        try await pause("order", false, client)
        try await eventually("the order is being cancelled") {
            let answer = try await Web.get("\(system.url(of: .orders))/orders/\(id)")
            return answer.text("status") == "cancelling"
        }
        for path in paths {
            try await eventually("\(path) says so", within: .seconds(20)) {
                status(in: try await Web.get(system.gateway + path)) == "cancelling"
            }
        }
        // Asking again takes answers away as well.
        #expect(try await count(of: "OrderCancellationRequested", id, client) == 0)
        #expect(try await count(of: "OrderCancelling", id, client) == 1)

        try await pause("payment", false, client)
        #expect(try await system.ended(id).text("status") == "cancelled")
        for (seen, task) in readers {
            try await eventually("the reader sees the end") { seen.all.last == "cancelled" }
            task.cancel()
            #expect(seen.all == ["pending", "cancelling", "cancelled"])
        }
        #expect(try await count(of: "OrderCancelling", id, client) == 1)
        try await system.audit(product, stock: 5, orders: [id])
        await client.shutdown()
    }

    /// How often the orders have said something of one.
    private func count(
        of type: String, _ id: String, _ client: RedisClient
    ) async throws -> Int {
        try await client.send(.xrange("saga:{order}:\(type)")).streamEntries().count { entry in
            entry["data"].map { String(buffer: $0).contains(id) } ?? false
        }
    }

    private func status(in answer: WebAnswer) -> String? {
        answer.text("order.status") ?? answer.text("status")
    }

    /// How many seconds an answer from the cache is kept from here on; 0 if it is none.
    private func life(of answer: WebAnswer) -> Int {
        let found = answer.headers["cache-status"]?.split(separator: "ttl=").dropFirst().last
        return Int(found?.prefix { $0.isNumber } ?? "") ?? 0
    }

    /// As `troupe pause` does, and waits until it is so.
    private func pause(_ service: String, _ isOn: Bool, _ client: RedisClient) async throws {
        let key = "saga:{\(service)}:paused"
        _ = try await client.send(isOn ? .set(key, "test") : .unlink([key]))
        let line = "saga_paused{service=\"\(service)\"} \(isOn ? 1 : 0)"
        let metrics = "http://127.0.0.1:\(try RunningSystem.current.addresses.admin)/metrics"
        try await eventually(line) { try await Web.get(metrics).body.contains(line) }
    }
}
