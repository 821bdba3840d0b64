public import OrderContracts
import Saga

/// How many pieces of a product there are, by where they stand.
///
///     PUT /inventory ──▶ available ──reserve──▶ reserved ──ship──▶ shipped
///                            ▲                     │
///                            └──────release────────┘
///
/// Sagas only move pieces along the arrows, so they never change the sum. Only `PUT` does: it
/// counts the shelf anew and leaves the other two alone.
public struct StockLevel: Equatable, Sendable {
    /// Which product.
    public var productID: ProductID
    /// Can be ordered.
    public var available: Int
    /// Set aside for orders under way.
    public var reserved: Int
    /// Left with completed orders.
    public var shipped: Int

    /// A stock level.
    public init(productID: ProductID, available: Int, reserved: Int = 0, shipped: Int = 0) {
        self.productID = productID
        self.available = available
        self.reserved = reserved
        self.shipped = shipped
    }

    /// How many can be on the shelf at once, far from where an `Int` in Redis overflows.
    public static let availableRange = 0...1_000_000_000
}

// MARK: - Its record

extension RecordName {
    /// Names the hash `{inventory}:stock:<product>` with `available reserved shipped`.
    static func stock(_ productID: ProductID) -> RecordName { "stock:\(productID)" }
}

extension StockLevel {
    /// The record of this level.
    var fields: [String: String] {
        [
            "available": String(available), "reserved": String(reserved),
            "shipped": String(shipped),
        ]
    }

    /// Reads a record; nil if there is none, an error if it is not one.
    init?(_ productID: ProductID, fields: [String: String]) throws(InventoryError) {
        guard !fields.isEmpty else { return nil }
        guard let available = Int(fields["available"] ?? "0"),
            let reserved = Int(fields["reserved"] ?? "0"),
            let shipped = Int(fields["shipped"] ?? "0")
        else {
            throw InventoryError(
                .damagedRecord, "The record of the stock of product \(productID) is damaged.")
        }
        self.init(
            productID: productID, available: available, reserved: reserved, shipped: shipped)
    }
}
