import Testing
import TroupeRedisTestKit

@testable import troupe

/// What customers and auditors do.
extension RunningSystem {
    /// How an order ended, or that it has not.
    static let ends = ["completed", "cancelled"]

    /// A new product with so much in stock.
    ///
    /// Tests that count stock use products of their own.
    func newProduct(stock: Int, price: Int = 1_000) async throws -> String {
        let product = try await Web.send(
            "POST", "\(url(of: .products))/products",
            #"{"name":"Test","price":{"amount":\#(price),"currency":"EUR"}}"#)
        let id = try #require(product.text("id"), "\(product)")
        let stocked = try await Web.send(
            "PUT", "\(url(of: .inventory))/inventory/\(id)", #"{"available":\#(stock)}"#)
        #expect(stocked.status == 200, "\(stocked)")
        return id
    }

    static func order(
        _ product: String, quantity: Int = 1, token: String = "tok_visa", country: String = "DE"
    ) -> String {
        #"{"userId":"1","productId":"\#(product)","quantity":\#(quantity),"#
            + #""payment":{"method":"card","token":"\#(token)"},"#
            + #""shipping":{"street":"Main St 1","city":"Berlin","postcode":"10115","#
            + #""country":"\#(country)"}}"#
    }

    /// Places an order through the gateway.
    func place(_ order: String, headers: [String: String] = [:]) async throws -> WebAnswer {
        try await Web.send("POST", "\(gateway)/orders", order, headers: headers)
    }

    /// Places an order and returns its ID.
    func placed(_ order: String) async throws -> String {
        let answer = try await place(order)
        #expect(answer.status == 201, "\(answer)")
        return try #require(answer.text("id"), "\(answer)")
    }

    /// Waits for the end of an order and returns it as the order service shows it.
    func ended(_ id: String, within limit: Duration = .seconds(60)) async throws -> WebAnswer {
        try await eventualValue("order \(id) ends", within: limit) {
            let answer = try? await Web.get("\(self.url(of: .orders))/orders/\(id)")
            guard let answer, Self.ends.contains(answer.text("status") ?? "") else { return nil }
            return answer
        }
    }

    /// Counts stock and money: every order has ended, and what they took is exactly what is
    /// missing.
    ///
    /// - Parameter orders: all orders of the product.
    func audit(
        _ product: String, stock: Int, orders: [String],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        var shipped = 0
        for id in orders {
            let order = try await ended(id)
            let isCompleted = order.text("status") == "completed"
            if isCompleted { shipped += order.integer("quantity") ?? 0 }
            let total = isCompleted ? order.integer("total.amount") ?? 0 : 0
            try await eventually("order \(id) costs \(total)", sourceLocation: sourceLocation) {
                try await self.money(of: id) == total
            }
            try await eventually(
                "the shipments of order \(id) add up", sourceLocation: sourceLocation
            ) {
                try await self.parcels(of: id) == (isCompleted ? ["dispatched"] : [])
            }
        }
        let expected = [stock - shipped, 0, shipped]
        var counted: [Int?] = []
        try await eventually(
            "stock of \(product) is \(expected), available, reserved, shipped",
            sourceLocation: sourceLocation
        ) {
            counted = try await self.stock(of: product)
            return counted == expected
        }
    }

    /// Available, reserved, shipped.
    func stock(of product: String) async throws -> [Int?] {
        let level = try await Web.get("\(url(of: .inventory))/inventory/\(product)")
        return [level.integer("available"), level.integer("reserved"), level.integer("shipped")]
    }

    /// What the payment company took for an order and did not give back.
    func money(of order: String) async throws -> Int {
        let charged = try await records("charges", of: order)
        let refunded = try await records("refunds", of: order)
        func sum(_ records: [WebAnswer], _ status: String) -> Int {
            records.filter { $0.text("status") == status }
                .reduce(0) { $0 + ($1.integer("amount") ?? 0) }
        }
        return sum(charged, "succeeded") - sum(refunded, "refunded")
    }

    /// The states of the shipments of an order that were not cancelled.
    func parcels(of order: String) async throws -> [String] {
        let shipments = try await records("shipments", of: order)
        let cancelled = Set(
            try await records("cancellations", of: order).compactMap { $0.text("shipmentKey") })
        let dispatched = Set(
            try await records("dispatches", of: order).compactMap { $0.text("shipmentKey") })
        return shipments.filter { $0.text("status") == "arranged" }
            .compactMap { $0.text("key") }.filter { !cancelled.contains($0) }
            .map { dispatched.contains($0) ? "dispatched" : "arranged" }
    }

    /// What the sandbox has written down about an order.
    func records(_ kind: String, of order: String) async throws -> [WebAnswer] {
        let answer = try await Web.get("\(url(of: .sandbox))/\(kind)?reference=\(order)")
        #expect(answer.status == 200, "\(answer)")
        return answer.list("items")
    }
}
