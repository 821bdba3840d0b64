import OrderContracts
import OrderService
import Testing
import TroupeRedisTestKit

/// Services that end at any moment and come back, and a Redis that does.
@Suite(.redisServer, .timeLimit(.minutes(2)))
struct OrderCrashTests {
    @Test func crashedPaymentServiceGoesOnWhereItWas() async throws {
        try await OrderSystem.run { system in
            await system.company.gate.close()
            let id = try await system.place()
            await system.company.gate.holdsSomebody()

            async let crash: Void = system.payment.crash()
            await system.company.gate.open()
            await crash
            try await system.payment.start()

            #expect(try await system.ended(id).status == .completed)
            #expect(await system.company.chargeCount == 1)
            try await system.addsUp()
        }
    }

    @Test func everyServiceCrashingInTurnLosesNothing() async throws {
        try await OrderSystem.run { system in
            let ids = try await withThrowingTaskGroup(of: OrderID.self) { group in
                for number in 0..<100 {
                    let country = number % 5 == 0 ? "AQ" : "NL"
                    group.addTask { try await system.place(.order(country: country)) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            for _ in 0..<3 {
                await system.payment.crash()
                try await system.payment.start()
                await system.inventory.crash()
                try await system.inventory.start()
                await system.shipping.crash()
                try await system.shipping.start()
                await system.order.crash()
                try await system.order.start()
            }
            var completed = 0
            for id in ids where try await system.ended(id).status == .completed { completed += 1 }

            #expect(completed == 80)
            try await system.addsUp()
        }
    }

    @Test func servicesThatWereAwayFindTheirWork() async throws {
        try await OrderSystem.run { system in
            await system.payment.crash()
            await system.inventory.crash()
            await system.shipping.crash()
            let good = try await system.place()
            let cancelled = try await system.place()
            #expect(try await system.orders.cancel(cancelled).status == .cancelling)

            // The cancellation is in its stream before payment and shipping read the order.
            try await system.shipping.start()
            try await system.inventory.start()
            try await system.payment.start()

            #expect(try await system.ended(good).status == .completed)
            #expect(try await system.ended(cancelled).status == .cancelled)
            try await system.addsUp()
        }
    }
}

/// A Redis that goes away and comes back.
///
/// It has a server of its own, which nobody else misses.
@Suite(.redisServer(.init(isDurable: true)), .serialized, .timeLimit(.minutes(2)))
struct OrderRedisLossTests {
    @Test func ordersUnderWaySurviveARestartOfRedis() async throws {
        try await OrderSystem.run { system in
            await system.company.gate.close()
            let id = try await system.place()
            await system.company.gate.holdsSomebody()

            await RedisServer.current.kill()
            await system.company.gate.open()
            await #expect(throws: OrderError.self) { try await system.place() }
            try await RedisServer.current.start()

            #expect(try await endedAfterTheLoss(system, id).status == .completed)
            try await system.addsUp()
        }
    }

    @Test func whatWasAcknowledgedUnderLoadSurvivesARestartOfRedis() async throws {
        try await OrderSystem.run { system in
            let placing = Task {
                var placed: [OrderID] = []
                while !Task.isCancelled {
                    if let id = try? await system.place(.order(product: "2")) { placed.append(id) }
                    if placed.count >= 150 { break }
                }
                return placed
            }
            try await eventually("orders are under way") {
                try await system.orders.list(limit: 30).count == 30
            }
            await RedisServer.current.kill()
            try await RedisServer.current.start()
            let ids = await placing.value

            for id in ids {
                #expect(try await endedAfterTheLoss(system, id).status == .completed)
            }
            // Beside what was acknowledged there may be one order whose answer was lost.
            for order in try await system.orders.list(limit: 1000) {
                _ = try await system.ended(order.id)
            }
            try await system.addsUp()
        }
    }

    private func endedAfterTheLoss(
        _ system: OrderSystem, _ id: OrderID
    ) async throws -> Order {
        try await eventually("Redis answers again") {
            (try? await system.orders.order(id)) != nil
        }
        return try await system.ended(id)
    }
}
