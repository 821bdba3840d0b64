import OrderContracts
import SagaHTTP
import Timekeeping

/// The products that a new system shows.
enum ProductSeed {
    static let products = [
        product(1, "Tea pot", "Cast iron, holds one litre.", 1999),
        product(2, "Tea cup", "Stoneware, glazed by hand.", 850),
        product(3, "Green tea", "A hundred grams, first harvest.", 1290),
        product(4, "Kettle", "Steel, with a whistle.", 4500),
        product(5, "Grand piano", "Concert size. Only a few are left.", 8_990_000),
    ]

    /// Made long ago, and each a moment after the one before, so that lists have an order.
    private static func product(
        _ number: Int, _ name: String, _ description: String, _ amount: Int
    ) -> RecordCollection<Product>.Entry {
        RecordCollection<Product>.Entry(
            id: String(number),
            Product(
                name: name, description: description,
                price: Money(amount: amount, currency: "EUR")),
            createdAt: Timestamp(milliseconds: 1_767_225_600_000 + Int64(number)))
    }
}
