import CloudEvents
import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import troupe

/// Every way an order can go, on the whole system; after each, stock and money add up.
@Suite(.system, .timeLimit(.minutes(5)))
struct OrderEndsTests {
    @Test func orderRunsThroughAllServices() async throws {
        let system = try RunningSystem.current
        let watch = try await EventWatch.begin(on: system)
        let product = try await system.newProduct(stock: 10, price: 250)

        let answer = try await system.place(
            RunningSystem.order(product, quantity: 3), headers: ["Prefer": "wait=30"])

        #expect(answer.status == 201)
        #expect(answer.text("status") == "completed")
        #expect(answer.integer("total.amount") == 750)
        let id = try #require(answer.text("id"))
        #expect(answer.headers["location"] == "/orders/\(id)")
        let types = [
            "OrderCreated", "PaymentProcessed", "ProductReserved", "ShipmentArranged",
            "OrderCompleted",
        ]
        let ends: Set = ["ProductShipped", "ShipmentDispatched"]
        try await eventually("all events are heard") {
            watch.types(of: id).count >= types.count + ends.count
        }
        #expect(watch.types(of: id).starts(with: types))
        #expect(Set(watch.types(of: id).dropFirst(types.count)) == ends)
        try await system.audit(product, stock: 10, orders: [id])
        await watch.end()
    }

    @Test func everyEventIsOneLineOfJSONOnItsChannel() async throws {
        let system = try RunningSystem.current
        let watch = try await EventWatch.begin(on: system)
        let product = try await system.newProduct(stock: 1)

        let id = try await system.placed(RunningSystem.order(product))
        try await eventually("the order is dispatched") {
            watch.types(of: id).contains("ShipmentDispatched")
        }

        var causes: Set<String> = []
        for heard in watch.heard(of: id) {
            let event = try #require(heard.event)
            #expect(heard.channel == "saga.\(event.type)")
            #expect(!heard.text.contains("\n"))
            #expect(event.subject == id)
            #expect(event.coordination == "choreography")
            #expect(event.data.first == UInt8(ascii: "{"))
            if event.type != "OrderCreated" {
                #expect(causes.contains(try #require(event.causationID)))
            }
            causes.insert(event.id)
        }
        await watch.end()
    }

    @Test(arguments: [
        ("tok_declined", "DE", 1, "card_declined"),
        ("tok_insufficient_funds", "DE", 1, "insufficient_funds"),
        ("tok_visa", "AQ", 1, "country_not_served"),
        ("tok_visa", "DE", 6, "out_of_stock"),
    ])
    func orderThatCannotBeDoneIsUndone(
        token: String, country: String, quantity: Int, reason: String
    ) async throws {
        let system = try RunningSystem.current
        let product = try await system.newProduct(stock: 5)

        let id = try await system.placed(
            RunningSystem.order(product, quantity: quantity, token: token, country: country))
        let order = try await system.ended(id)

        #expect(order.text("status") == "cancelled")
        #expect(order.text("cancellation.reason") == reason)
        try await system.audit(product, stock: 5, orders: [id])
    }

    @Test func companyThatFailsTwiceIsAskedAgain() async throws {
        let system = try RunningSystem.current
        let product = try await system.newProduct(stock: 5)

        let id = try await system.placed(RunningSystem.order(product, token: "tok_flaky"))

        #expect(try await system.ended(id).text("status") == "completed")
        let charges = try await system.records("charges", of: id)
        #expect(charges.filter { $0.text("status") == "succeeded" }.count == 1)
        try await system.audit(product, stock: 5, orders: [id])
    }

    @Test func chargeWithoutAnAnswerIsTakenBack() async throws {
        let system = try RunningSystem.current
        let product = try await system.newProduct(stock: 5)

        let id = try await system.placed(RunningSystem.order(product, token: "tok_timeout"))
        let order = try await system.ended(id)

        #expect(order.text("status") == "cancelled")
        let charges = try await system.records("charges", of: id)
        #expect(charges.filter { $0.text("status") == "succeeded" }.count == 1)
        try await system.audit(product, stock: 5, orders: [id])
    }

    @Test func clientCancelsAnOrderUnderWay() async throws {
        let system = try RunningSystem.current
        let product = try await system.newProduct(stock: 5)
        let id = try await system.placed(RunningSystem.order(product, token: "tok_timeout"))

        let cancel = try await Web.send("POST", "\(system.gateway)/orders/\(id)/cancel", "")

        #expect(cancel.status == 202)
        #expect(["cancelling", "cancelled"].contains(cancel.text("status")))
        #expect(try await system.ended(id).text("status") == "cancelled")
        let again = try await Web.send("POST", "\(system.gateway)/orders/\(id)/cancel", "")
        #expect(again.status == 200)
        try await system.audit(product, stock: 5, orders: [id])
    }

    @Test func completedOrderCannotBeCancelled() async throws {
        let system = try RunningSystem.current
        let product = try await system.newProduct(stock: 5)
        let id = try await system.placed(RunningSystem.order(product))
        #expect(try await system.ended(id).text("status") == "completed")

        let cancel = try await Web.send("POST", "\(system.gateway)/orders/\(id)/cancel", "")

        #expect(cancel.status == 409)
        #expect(cancel.headers["content-type"]?.hasPrefix("application/problem+json") == true)
        try await system.audit(product, stock: 5, orders: [id])
    }

    @Test func cancellationsInARaceWithProgressAreAllOrNothing() async throws {
        let system = try RunningSystem.current
        let product = try await system.newProduct(stock: 100)

        let ids = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    let id = try await system.placed(RunningSystem.order(product))
                    let cancel = try await Web.send(
                        "POST", "\(system.gateway)/orders/\(id)/cancel", "")
                    #expect([200, 202, 409].contains(cancel.status))
                    return id
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }

        try await system.audit(product, stock: 100, orders: ids)
    }

    @Test func sameIdempotencyKeyIsTheSameOrder() async throws {
        let system = try RunningSystem.current
        let product = try await system.newProduct(stock: 5)
        let headers = ["Idempotency-Key": "\"\(product)-key\""]

        let first = try await system.place(RunningSystem.order(product), headers: headers)
        let again = try await system.place(RunningSystem.order(product), headers: headers)
        let other = try await system.place(
            RunningSystem.order(product, quantity: 2), headers: headers)

        let id = try #require(first.text("id"))
        #expect(again.status == 201)
        #expect(again.text("id") == id)
        #expect(again.headers["idempotency-replayed"] == "true")
        #expect(other.status == 422)
        try await system.audit(product, stock: 5, orders: [id])
    }

    @Test func stockIsNeverSoldTwice() async throws {
        let system = try RunningSystem.current
        let product = try await system.newProduct(stock: 7)

        let ids = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<20 {
                group.addTask { try await system.placed(RunningSystem.order(product)) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }

        var completed = 0
        for id in ids where try await system.ended(id).text("status") == "completed" {
            completed += 1
        }
        #expect(completed == 7)
        try await system.audit(product, stock: 7, orders: ids)
    }
}

/// The deadline of orders, which needs a system of its own.
@Suite(
    .system(.oneProcess, ["TROUPE_ORDER_DEADLINE": "5"]), .timeLimit(.minutes(3)))
struct OrderDeadlineTests {
    /// Not by a company that does not answer: a step gives up, and says why, before that.
    @Test func whatTakesTooLongIsCancelledAndNothingPastThePivot() async throws {
        let system = try RunningSystem.current
        let client = system.redis.client()
        let product = try await system.newProduct(stock: 5)
        let first = try await system.placed(RunningSystem.order(product))
        #expect(try await system.ended(first).text("status") == "completed")
        _ = try await client.send(.set("saga:{shipping}:paused", "test"))
        let paused = #"saga_paused{service="shipping"} 1"#
        try await eventually("shipping reads nothing") {
            try await Web.get("http://127.0.0.1:\(system.addresses.admin)/metrics").body
                .contains(paused)
        }

        let late = try await system.placed(RunningSystem.order(product))
        try await eventually("it is being cancelled") {
            let order = try await Web.get("\(system.url(of: .orders))/orders/\(late)")
            return order.text("status") == "cancelling"
        }
        _ = try await client.send(.unlink(["saga:{shipping}:paused"]))
        await client.shutdown()
        let order = try await system.ended(late)

        #expect(order.text("status") == "cancelled")
        #expect(order.text("cancellation.reason") == "deadline_exceeded")
        // The later order's deadline has passed, so the first one's too.
        #expect(try await system.ended(first).text("status") == "completed")
        try await system.audit(product, stock: 5, orders: [first, late])
    }

    @Test func aCompanyThatDoesNotAnswerIsGivenUpBeforeTheDeadline() async throws {
        let system = try RunningSystem.current
        let product = try await system.newProduct(stock: 5)

        let id = try await system.placed(RunningSystem.order(product, token: "tok_timeout"))
        let order = try await system.ended(id)

        #expect(order.text("status") == "cancelled")
        #expect(order.text("cancellation.reason") == "outcome_unknown")
        try await system.audit(product, stock: 5, orders: [id])
    }
}
