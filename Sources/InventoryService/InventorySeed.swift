import OrderContracts
import Saga

/// The stock of the products that a new system shows.
///
/// One piece of product 1 has left already, with order 1.
enum InventorySeed {
    /// Each product on its own, so that one that is there already keeps its counts.
    static var changes: [Changes] {
        levels.map { level in
            Changes { changes in
                changes.requireAbsent(.stock(level.productID), orElse: BusinessFailure("seeded"))
                changes.set(.stock(level.productID), level.fields)
            }
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
