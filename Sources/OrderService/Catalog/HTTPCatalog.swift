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
        async let userAnswer = answer(from: users, "/users/\(user)")
        async let productAnswer = answer(from: products, "/products/\(product)")
        let (seenUser, seenProduct) = (await userAnswer, await productAnswer)
        try seenUser.get().require(.unknownUser, "there is no user \(user)")
        try seenProduct.get().require(.unknownProduct, "there is no product \(product)")
        do {
            return try seenProduct.get().decode(PricedProduct.self).price
        } catch {
            throw OrderError(
                .unavailable, "the product service's answer is unreadable", cause: error)
        }
    }

    private func answer(
        from client: JSONClient, _ path: String
    ) async -> Result<JSONAnswer, OrderError> {
        do {
            return .success(try await client.get(path))
        } catch {
            return .failure(OrderError(.unavailable, "cannot check the order now", cause: error))
        }
    }
}

extension JSONAnswer {
    /// Throws the given error if the service says that there is no such thing.
    fileprivate func require(_ code: OrderError.Code, _ message: String) throws(OrderError) {
        switch status {
        case 200...299: return
        case 404: throw OrderError(code, message)
        default: throw OrderError(.unavailable, "cannot check the order now: status \(status)")
        }
    }
}

private struct PricedProduct: Decodable {
    var price: Money
}
