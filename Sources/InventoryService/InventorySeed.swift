import Logging
import OrderContracts
import Saga
import SagaRedis
import ServiceLifecycle

/// The stock of the products that a new system shows.
///
/// One piece of product 1 has left already, with order 1.
enum InventorySeed {
    /// Plants once, trying again while Redis is away; a store that has it stays as it is.
    static func plant(with runtime: SagaRuntime, logger: Logger) async {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    return try await plant(with: runtime)
                } catch let error as SagaError where error.retry == .later {
                    try? await Task.sleep(for: .milliseconds(500))
                } catch {
                    return logger.error("Seeding failed.", metadata: ["error": "\(error)"])
                }
            }
        }
    }

    /// Each product on its own, so that one that is there already keeps its counts.
    private static func plant(with runtime: SagaRuntime) async throws(SagaError) {
        for level in levels {
            let changes = Changes { changes in
                changes.requireAbsent(.stock(level.productID), orElse: BusinessFailure("seeded"))
                changes.set(.stock(level.productID), level.fields)
            }
            _ = try await runtime.store.transition(changes)
        }
    }

    private static let levels = [
        level("1", available: 1000, shipped: 1), level("2", available: 500),
        level("3", available: 250), level("4", available: 100), level("5", available: 5),
    ]

    private static func level(
        _ product: String, available: Int, shipped: Int = 0
    ) -> StockLevel {
        StockLevel(
            productID: ProductID(wellFormed: product), available: available, shipped: shipped)
    }
}
