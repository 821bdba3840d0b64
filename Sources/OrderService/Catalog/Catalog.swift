public import OrderContracts

/// Knows users and products: what an order must be checked against before it exists.
public protocol Catalog: Sendable {
    /// What the product costs a piece, if the user and the product both exist.
    ///
    /// Throws ``OrderError`` with code `unknownUser` or `unknownProduct` if one does not, and
    /// `unavailable` if nobody can tell in time.
    func price(of product: ProductID, for user: UserID) async throws(OrderError) -> Money
}
