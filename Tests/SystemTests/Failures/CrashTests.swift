import Testing
import TroupeRedisTestKit

@testable import troupe

/// Each service is killed in the middle of its work and started again: every saga ends, and
/// stock and money add up.
///
/// One test after another, since they share the machine's two cores and kill what the others
/// would need.
@Suite(.system(.manyProcesses), .serialized, .timeLimit(.minutes(6)))
struct CrashTests {
    @Test(arguments: SystemService.allCases)
    func everySagaEndsAlthoughAServiceIsKilled(service: SystemService) async throws {
        let system = try RunningSystem.current
        let product = try await system.newProduct(stock: 1_000)
        let load = Load(system: system, product: product)

        let placing = Task { try await load.run(orders: 80) }
        try await eventually("some orders are under way") { await load.count >= 16 }
        await system.kill(service.rawValue)
        try system.start(service.rawValue)
        try await placing.value

        try await system.audit(product, stock: 1_000, orders: await load.ids)
    }

    @Test func everySagaEndsAlthoughEverythingIsKilled() async throws {
        let system = try RunningSystem.current
        let product = try await system.newProduct(stock: 1_000)
        let load = Load(system: system, product: product)

        let placing = Task { try await load.run(orders: 80) }
        try await eventually("some orders are under way") { await load.count >= 16 }
        for name in RunningSystem.names { await system.kill(name) }
        for name in RunningSystem.names { try system.start(name) }
        try await placing.value

        try await system.audit(product, stock: 1_000, orders: await load.ids)
    }
}

/// Customers who order a mixture of what works and what does not, and come again when the
/// shop is closed.
///
/// Each order has an idempotency key, so that coming again never orders twice.
actor Load {
    private let system: RunningSystem
    private let product: String
    private(set) var ids: [String] = []

    init(system: RunningSystem, product: String) {
        self.system = system
        self.product = product
    }

    var count: Int { ids.count }

    func run(orders: Int, customers: Int = 5) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for customer in 0..<customers {
                group.addTask {
                    for number in stride(from: customer, to: orders, by: customers) {
                        try await self.order(number)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private func order(_ number: Int) async throws {
        let kinds = [
            ("tok_visa", "DE"), ("tok_declined", "DE"), ("tok_visa", "AQ"), ("tok_visa", "FR"),
        ]
        let (token, country) = kinds[number % kinds.count]
        let body = RunningSystem.order(product, token: token, country: country)
        let system = system
        let headers = ["Idempotency-Key": "\"\(product)-\(number)\""]
        let id = try await eventualValue("order \(number) is taken") {
            let answer = try? await system.place(body, headers: headers)
            return answer?.status == 201 ? answer?.text("id") : nil
        }
        ids.append(id)
    }
}
