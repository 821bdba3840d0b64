import OrderContracts
import OrderService
import Testing
import TroupeRedisTestKit

/// The client and the deadline against the saga's progress.
@Suite(.redisServer, .timeLimit(.minutes(2)))
struct OrderCancellationTests {
    @Test func cancellingDuringThePaymentReturnsTheMoney() async throws {
        try await OrderSystem.run { system in
            await system.company.gate.close()
            let id = try await system.place()
            await system.company.gate.holdsSomebody()

            #expect(try await system.orders.cancel(id).status == .cancelling)
            await system.company.gate.open()

            let order = try await system.ended(id)
            #expect(order.status == .cancelled)
            #expect(order.cancellation?.reason == FailureReason.requestedByClient)
            try await system.addsUp()
        }
    }

    @Test func cancellingWhileTheShipmentIsBookedCancelsIt() async throws {
        try await OrderSystem.run { system in
            await system.carrier.gate.close()
            let id = try await system.place(.order(quantity: 2))
            await system.carrier.gate.holdsSomebody()

            #expect(try await system.orders.cancel(id).status == .cancelling)
            await system.carrier.gate.open()

            #expect(try await system.ended(id).status == .cancelled)
            try await system.addsUp()
            #expect(await system.carrier.cancelledCount == 1)
        }
    }

    @Test func completedOrderCannotBeCancelled() async throws {
        try await OrderSystem.run { system in
            let id = try await system.place()
            _ = try await system.ended(id)

            await #expect { try await system.orders.cancel(id) } throws: { error in
                (error as? OrderError)?.code == .tooLate
            }
            #expect(try await system.ended(id).status == .completed)
        }
    }

    @Test func seededOrderCannotBeCancelled() async throws {
        try await OrderSystem.run { system in
            try await eventually("order 1 is there") {
                (try? await system.orders.order(OrderID(wellFormed: "1"))) != nil
            }

            await #expect { try await system.orders.cancel(OrderID(wellFormed: "1")) } throws: {
                ($0 as? OrderError)?.code == .tooLate
            }
        }
    }

    @Test func cancellingTwiceIsCancellingOnce() async throws {
        try await OrderSystem.run { system in
            await system.company.gate.close()
            let id = try await system.place()
            await system.company.gate.holdsSomebody()

            #expect(try await system.orders.cancel(id).status == .cancelling)
            #expect(try await system.orders.cancel(id).status == .cancelling)
            await system.company.gate.open()
            #expect(try await system.ended(id).status == .cancelled)
            #expect(try await system.orders.cancel(id).status == .cancelled)
            try await system.addsUp()
            #expect(await system.company.refundCount == 1)
        }
    }

    @Test func unknownOrderCannotBeCancelled() async throws {
        try await OrderSystem.run { system in
            await #expect { try await system.orders.cancel(OrderID(wellFormed: "none")) } throws: {
                ($0 as? OrderError)?.code == .unknownOrder
            }
        }
    }

    @Test func orderPastItsDeadlineIsUndone() async throws {
        try await OrderSystem.run {
            $0.deadline = .seconds(5)
        } _: { system in
            await system.carrier.gate.close()
            let id = try await system.place()
            await system.carrier.gate.holdsSomebody()
            try await eventually("the deadline is over") {
                try await system.orders.order(id).status == .cancelling
            }
            await system.carrier.gate.open()

            let order = try await system.ended(id)
            #expect(order.status == .cancelled)
            #expect(order.cancellation?.reason == FailureReason.deadlineExceeded)
            try await system.addsUp()
        }
    }

    @Test func cancellingAtAnyMomentAddsUp() async throws {
        try await OrderSystem.run { system in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<80 {
                    group.addTask {
                        let id = try await system.place(.order(quantity: number % 3 + 1))
                        // Each waits a little longer than the one before.
                        for _ in 0..<number / 4 { _ = try await system.orders.order(id) }
                        do {
                            _ = try await system.orders.cancel(id)
                        } catch let error as OrderError where error.code == .tooLate {
                            return
                        }
                    }
                }
                try await group.waitForAll()
            }
            for order in try await system.orders.list(limit: 100) {
                _ = try await system.ended(order.id)
            }
            try await system.addsUp()
        }
    }
}
