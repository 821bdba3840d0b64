import InventoryService
import Logging
import OrderContracts
import OrderService
import PaymentService
import Saga
import SagaRedis
import ShippingService
package import TroupeRedis
package import TroupeRedisTestKit

/// The four services of the order saga in this process, on a Redis of their own.
package struct Shop: Sendable {
    package let redis: RedisClient
    package let strike = Strike()
    private let orders: Orders
    private let runtimes: [SagaRuntime]

    package init(server: RedisServer) throws {
        redis = server.client { $0.sharedConnections = 1 }
        var configuration = SagaRuntimeConfiguration.orderSystem
        configuration.consumerName = "benchmark"
        var logger = Logger(label: "benchmark")
        logger.logLevel = .error
        let participants: [Participant] = [
            .order(deadline: .seconds(600)),
            .payment(company: InstantCompany(), giveUpAfter: .seconds(10)),
            .inventory(),
            .shipping(carrier: InstantCarrier(strike: strike), giveUpAfter: .seconds(10)),
        ]
        let redis = redis
        runtimes = try participants.map {
            try SagaRuntime($0, redis: redis, configuration: configuration, logger: logger)
        }
        orders = Orders(runtime: runtimes[0], catalog: InstantCatalog())
    }

    /// Runs the services while `body` runs.
    package func running(_ body: () async throws -> Void) async throws {
        let tasks = runtimes.map { runtime in Task { try await runtime.run() } }
        try await body()
        for task in tasks { task.cancel() }
        for task in tasks { try await task.value }
    }

    package func stock(_ pieces: Int) async throws {
        _ = try await Stock(runtime: runtimes[2]).setAvailable(
            pieces, of: ProductID.sample)
    }

    package func order() async throws {
        _ = try await orders.place(.sample)
    }

    package func length(_ type: String, owner: String) async throws -> Int {
        let stream = SagaKeys().stream(type, owner: owner)
        return try await redis.send(.xlen(stream)).integer ?? 0
    }

    /// Places orders for many clients at once, as a busy shop has.
    package func order(_ count: Int) async throws {
        let clients = 256
        try await withThrowingTaskGroup(of: Void.self) { group in
            for client in 0..<clients {
                let share = count / clients + (client < count % clients ? 1 : 0)
                group.addTask { for _ in 0..<share { try await order() } }
            }
            try await group.waitForAll()
        }
    }

    /// Waits until so many orders are completed, and shipped as far as the stock goes.
    package func completed(_ count: Int) async throws {
        while try await length("OrderCompleted", owner: "order") < count {
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    /// Waits until so many orders are completed, shipped and dispatched.
    package func finished(_ count: Int) async throws {
        while try await length("ShipmentDispatched", owner: "shipping") < count {
            try await Task.sleep(for: .milliseconds(5))
        }
        while try await Stock(runtime: runtimes[2]).level(of: ProductID.sample)?.shipped ?? 0
            < count
        {
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}

extension ProductID {
    static let sample = ProductID(wellFormed: "1")
}

extension OrderRequest {
    static let sample = OrderRequest(
        userID: UserID(wellFormed: "1"), productID: ProductID.sample, quantity: 1,
        payment: PaymentMethod(token: "tok_visa"),
        shipping: ShippingAddress(
            street: "Hauptstrasse 1", city: "Berlin", postcode: "10115", country: "DE"))
}
