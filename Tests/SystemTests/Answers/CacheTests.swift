import Testing
import TroupeRedisTestKit

@testable import troupe

/// The promise of the gateway: from memory almost always, stale never.
@Suite(.system, .timeLimit(.minutes(3)))
struct CacheTests {
    private func details(_ id: String) async throws -> WebAnswer {
        try await Web.get("\(RunningSystem.current.gateway)/orders/\(id)/details")
    }

    @Test func detailsComeFromTheCacheTheSecondTime() async throws {
        _ = try await details("1")
        try await eventually("the cache answers") {
            try await self.details("1").headers["cache-status"]?.contains("hit") == true
        }

        let answer = try await details("1")

        #expect(answer.status == 200)
        #expect(answer.text("order.id") == "1")
        #expect(answer.text("user.id") == "1")
        #expect(answer.text("product.id") == "1")
        #expect(answer.has("payment"))
        #expect(answer.has("shipment"))
        #expect(Int(answer.headers["age"] ?? "") != nil)
        let tag = try #require(answer.headers["etag"])
        let same = try await Web.get(
            "\(RunningSystem.current.gateway)/orders/1/details", headers: ["If-None-Match": tag])
        #expect(same.status == 304)
        #expect(same.body.isEmpty)
    }

    @Test func compensationDropsTheCachedAnswer() async throws {
        let system = try RunningSystem.current
        let product = try await system.newProduct(stock: 5)
        let id = try await system.placed(RunningSystem.order(product, country: "AQ"))
        let watch = Task {
            var seen: [String] = []
            while !Task.isCancelled {
                let answer = try await self.details(id)
                if let status = answer.text("order.status"), seen.last != status {
                    seen.append(status)
                }
                if seen.last == "cancelled" { return seen }
            }
            return seen
        }

        _ = try await system.ended(id)

        // Nobody sees an order come back to life.
        let seen = try await watch.value
        let order = ["pending", "cancelling", "cancelled"]
        let ranks = seen.compactMap { order.firstIndex(of: $0) }
        #expect(ranks == ranks.sorted(), "\(seen)")
        try await eventually("the payment is shown as refunded") {
            try await self.details(id).text("payment.status") == "refunded"
        }
        try await system.audit(product, stock: 5, orders: [id])
    }

    @Test func whoCancelsNeverSeesTheOrderAsItWas() async throws {
        let system = try RunningSystem.current
        let product = try await system.newProduct(stock: 5)
        let id = try await system.placed(RunningSystem.order(product, token: "tok_timeout"))
        for _ in 0..<3 { #expect(try await details(id).text("order.status") == "pending") }

        let cancel = try await Web.send("POST", "\(system.gateway)/orders/\(id)/cancel", "")

        #expect(cancel.status == 202)
        #expect(try await details(id).text("order.status") != "pending")
        _ = try await system.ended(id)
        try await system.audit(product, stock: 5, orders: [id])
    }

    @Test func changesOfUsersAndProductsShowAtOnce() async throws {
        let system = try RunningSystem.current
        let product = try await system.newProduct(stock: 5)
        let id = try await system.placed(RunningSystem.order(product))
        _ = try await system.ended(id)
        _ = try await details(id)

        let change = try await Web.send(
            "PATCH", "\(system.gateway)/products/\(product)", #"{"name":"Renamed"}"#)

        #expect(change.status == 200, "\(change)")
        #expect(try await details(id).text("product.name") == "Renamed")
    }
}
