public import OrderContracts
public import ServiceHTTP

/// Asks the user service and the product service over HTTP, both at once.
public struct HTTPCatalog: Catalog {
    private let users: JSONClient
    private let products: JSONClient

    /// A catalog of the services behind the two clients' base addresses.
    public init(users: JSONClient, products: JSONClient) {
        self.users = users
        self.products = products
    }

    /// Reads the product's price and sees that the user exists.
    public func price(
        of product: ProductID, for user: UserID
    ) async throws(OrderError) -> Money {
        async let userAnswer = answer(of: "user", users, "/users/\(user)")
        async let productAnswer = answer(of: "product", products, "/products/\(product)")
        let (seenUser, seenProduct) = (await userAnswer, await productAnswer)
        try seenUser.get().require(.unknownUser, "user", "There is no user \(user).")
        try seenProduct.get().require(.unknownProduct, "product", "There is no product \(product).")
        do {
            return try seenProduct.get().decode(PricedProduct.self).price
        } catch {
            throw OrderError(
                .unavailable,
                "The product service gave an answer without a price; nothing was ordered.",
                cause: error)
        }
    }

    private func answer(
        of service: String, _ client: JSONClient, _ path: String
    ) async -> Result<JSONAnswer, OrderError> {
        do {
            return .success(try await client.get(path))
        } catch {
            return .failure(
                OrderError(
                    .unavailable, "The \(service) service does not answer; nothing was ordered.",
                    cause: error))
        }
    }
}

extension JSONAnswer {
    /// Throws the given error if the service says that there is no such thing.
    fileprivate func require(
        _ code: OrderError.Code, _ service: String, _ message: String
    ) throws(OrderError) {
        switch status {
        case 200...299: return
        case 404: throw OrderError(code, message)
        default:
            throw OrderError(
                .unavailable, "The \(service) service answered \(status); nothing was ordered.")
        }
    }
}

private struct PricedProduct: Decodable {
    var price: Money
}
