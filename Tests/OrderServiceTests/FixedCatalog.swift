import OrderContracts
import OrderService

/// Knows users 1 to 3 and products 1 to 5 at 20 euros each, and can be away.
struct FixedCatalog: Catalog {
    static let price = Money(amount: 2000, currency: "EUR")

    var isAway = false

    func price(of product: ProductID, for user: UserID) async throws(OrderError) -> Money {
        guard !isAway else { throw OrderError(.unavailable, "away") }
        guard ["1", "2", "3"].contains(user.text) else {
            throw OrderError(.unknownUser, "There is no user \(user).")
        }
        guard ["1", "2", "3", "4", "5"].contains(product.text) else {
            throw OrderError(.unknownProduct, "There is no product \(product).")
        }
        return Self.price
    }
}
