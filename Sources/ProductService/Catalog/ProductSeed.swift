import Logging
import Observability
import OrderContracts
import Saga
import ServiceLifecycle

/// The products that a new system shows.
enum ProductSeed {
    /// Plants once, trying again while Redis is away; a store that has any stays as it is.
    static func plant(in store: ProductCatalog, logger: Logger) async {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do throws(SagaError) {
                    return try await store.seed(products)
                } catch {
                    guard error.retry == .later else {
                        logger.error("Seeding failed.", metadata: ["error": "\(error)"])
                        return
                    }
                    try? await Task.sleep(for: .milliseconds(500))
                }
            }
        }
    }

    private static let products = [
        product(1, "Tea pot", "Cast iron, holds one litre.", 1999),
        product(2, "Tea cup", "Stoneware, glazed by hand.", 850),
        product(3, "Green tea", "A hundred grams, first harvest.", 1290),
        product(4, "Kettle", "Steel, with a whistle.", 4500),
        product(5, "Grand piano", "Concert size. Only a few are left.", 8_990_000),
    ]

    private static func product(
        _ number: Int, _ name: String, _ description: String, _ amount: Int
    ) -> Product {
        Product(
            id: String(number),
            draft: Product.Draft(
                name: name, description: description,
                price: Money(amount: amount, currency: "EUR")),
            createdAt: made(number))
    }

    /// Long ago, and each a moment after the one before, so that lists have an order.
    private static func made(_ number: Int) -> Timestamp {
        Timestamp(milliseconds: 1_767_225_600_000 + Int64(number))
    }
}
