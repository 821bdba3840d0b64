import InventoryService
import OrderContracts
import OrderService
import Saga
import SagaRedis
import Testing
import TroupeRedisTestKit

/// Every way an order can end, on a real Redis, and that stock and money add up after each.
@Suite(.redisServer, .timeLimit(.minutes(2)))
struct OrderOutcomeTests {
    @Test func goodOrderIsCompletedShippedAndPaid() async throws {
        try await OrderSystem.run { system in
            let order = try await system.ended(system.place(.order(quantity: 3)))

            #expect(order.status == .completed)
            #expect(order.total == Money(amount: 6000, currency: "EUR"))
            #expect(order.cancellation == nil)
            try await system.addsUp()
            #expect(try await system.stock("1")?.available == 997)
            #expect(try await system.stock("1")?.shipped == 4)
        }
    }

    @Test(arguments: [
        (OrderRequest.order(token: "tok_declined"), FailureReason.cardDeclined, 0),
        (.order(token: "tok_insufficient_funds"), FailureReason.insufficientFunds, 0),
        (.order(product: "5", quantity: 6), FailureReason.outOfStock, 1),
        (.order(country: "AQ"), FailureReason.countryNotServed, 1),
        (.order(token: "tok_timeout"), FailureReason.outcomeUnknown, 1),
    ])
    func failingOrderIsUndone(
        _ request: OrderRequest, _ reason: String, _ refunds: Int
    ) async throws {
        try await OrderSystem.run {
            $0.giveUpAfter = .milliseconds(300)
        } _: { system in
            let order = try await system.ended(system.place(request))

            #expect(order.status == .cancelled)
            #expect(order.cancellation?.reason == reason)
            try await system.addsUp()
            #expect(await system.company.refundCount == refunds)
        }
    }

    @Test func flakyPaymentIsTriedUntilItWorks() async throws {
        try await OrderSystem.run { system in
            let order = try await system.ended(system.place(.order(token: "tok_flaky")))

            #expect(order.status == .completed)
            #expect(await system.company.chargeCount == 1)
            try await system.addsUp()
        }
    }

    /// Another company, or one without its books: the money is not back, so the order does not end.
    @Test func chargeThatTheCompanyDoesNotKnowIsNoRefund() async throws {
        try await OrderSystem.run {
            $0.saga.compensationGiveUpAfter = .milliseconds(300)
        } _: { system in
            await system.company.loseBooks()
            let id = try await system.place(.order(country: "AQ"))

            try await eventually("the refund is blocked") { try await system.blocked() == 1 }

            #expect(try await system.orders.order(id).status == .cancelling)
            #expect(await system.company.net > 0)
        }
    }

    @Test func manyMixedOrdersAddUp() async throws {
        try await OrderSystem.run { system in
            let requests: [OrderRequest] = (0..<60).map { number in
                switch number % 6 {
                case 0: .order(token: "tok_declined")
                case 1: .order(country: "AQ")
                case 2: .order(product: "5", quantity: 2)
                case 3: .order(token: "tok_flaky")
                default: .order(product: "2", quantity: number % 4 + 1)
                }
            }
            let ids = try await withThrowingTaskGroup(of: OrderID.self) { group in
                for request in requests { group.addTask { try await system.place(request) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            var completed = 0
            for id in ids where try await system.ended(id).status == .completed { completed += 1 }

            // Product 5 has five pieces: two orders of two.
            #expect(completed == 30 + 2)
            try await system.addsUp()
        }
    }
}
