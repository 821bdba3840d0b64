import OrderContracts
import OrderService
import Saga
import Testing
import TroupeRedis
import TroupeRedisTestKit

/// Redis goes back by a second while orders come and services live, as at a failover.
@Suite(.timeLimit(.minutes(3)))
struct StoreRollbackTests {
    @Test func everyOrderThatAnybodyKnowsIsConsistentWithinAMinute() async throws {
        let server = try await RedisServer.launch(RedisServer.Options(isDurable: true))
        try await OrderSystem.run(on: server) {
            $0.saga.reconciliationInterval = .milliseconds(200)
            $0.saga.reconciliationGrace = .milliseconds(100)
        } _: { system in
            let customers = Customers(8, of: system)
            try await eventually("orders go through") { await system.company.chargeCount > 30 }
            try server.keepCopy()
            let copied = ContinuousClock.now
            try await eventually("a second has gone by") {
                ContinuousClock.now > copied + .seconds(1)
            }
            await server.kill()
            try await server.startFromCopy()
            let back = ContinuousClock.now
            let count = await system.company.chargeCount
            try await eventually("orders go through again") {
                await system.company.chargeCount > count + 30
            }
            let placed = await customers.leave()

            var books = try await OrderBooks(of: system)
            try? await eventually("all is consistent", within: .seconds(60)) {
                // A link may have to be made anew once more.
                guard let now = try? await OrderBooks(of: system) else { return false }
                books = now
                return books.contradictions.isEmpty
            }
            #expect(books.contradictions == [])
            #expect(ContinuousClock.now < back + .seconds(60))
            #expect(books.unshownCount > 0, "nothing of \(placed.count) was lost")
            #expect(await system.company.refundedTwice == [])
            _ = try await system.stockAddsUp()
            #expect(try await system.blocked() == 0)
        }
        await server.stop()
    }

    /// Who order one thing after another, and wait for the end of each a while.
    private struct Customers {
        private let tasks: [Task<[OrderID], Never>]

        init(_ count: Int, of system: OrderSystem) {
            tasks = (0..<count).map { _ in
                Task {
                    var placed: [OrderID] = []
                    while !Task.isCancelled {
                        guard let id = try? await system.place() else { continue }
                        placed.append(id)
                        _ = try? await system.orders.order(id, endedWithin: .seconds(5))
                    }
                    return placed
                }
            }
        }

        /// What they have ordered.
        func leave() async -> [OrderID] {
            for task in tasks { task.cancel() }
            var placed: [OrderID] = []
            for task in tasks { placed += await task.value }
            return placed
        }
    }
}
