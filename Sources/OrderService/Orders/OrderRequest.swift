import Crypto
public import OrderContracts

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a customer asks for: every field well formed, nothing priced or looked up yet.
public struct OrderRequest: Equatable, Sendable {
    /// Who orders.
    public var userID: UserID
    /// What is ordered.
    public var productID: ProductID
    /// How many, within ``quantities``.
    public var quantity: Int
    /// How it is paid.
    public var payment: PaymentMethod
    /// Where it goes.
    public var shipping: ShippingAddress

    /// How many of a product one order can be about.
    public static let quantities = 1...10_000

    /// A wish for an order.
    ///
    /// Nothing is checked: validate what comes from outside at the edge.
    public init(
        userID: UserID, productID: ProductID, quantity: Int, payment: PaymentMethod,
        shipping: ShippingAddress
    ) {
        self.userID = userID
        self.productID = productID
        self.quantity = quantity
        self.payment = payment
        self.shipping = shipping
    }

    /// The same for two requests that ask for the same, however their JSON was written.
    ///
    /// Each part is preceded by its length, so that no two requests share an input.
    var fingerprint: String {
        var hash = SHA256()
        let parts = [
            userID.text, productID.text, String(quantity), payment.method, payment.token,
            shipping.street, shipping.city, shipping.postcode, shipping.country,
        ]
        for part in parts {
            hash.update(data: Data("\(part.utf8.count):\(part)".utf8))
        }
        return hash.finalize().prefix(16).hex
    }
}

extension Sequence<UInt8> {
    /// Two lower-case digits a byte.
    var hex: String {
        reduce(into: "") { text, byte in
            text += byte < 16 ? "0" + String(byte, radix: 16) : String(byte, radix: 16)
        }
    }
}
