public import Saga

/// What the payment service publishes.
public protocol PaymentEvent: SagaEvent {}

extension PaymentEvent {
    /// The payment service owns the stream.
    public static var owner: String { ServiceName.payment }
}

/// The customer's card was charged.
///
/// Carries the order on to the inventory.
public struct PaymentProcessed: PaymentEvent, Equatable {
    /// The payment company's name for the charge.
    public var chargeID: String
    /// What was charged.
    public var amount: Money
    /// Who pays.
    public var userID: UserID
    /// What was ordered.
    public var productID: ProductID
    /// How many.
    public var quantity: Int
    /// Where it goes.
    public var shipping: ShippingAddress

    /// A successful charge.
    public init(
        chargeID: String, amount: Money, userID: UserID, productID: ProductID, quantity: Int,
        shipping: ShippingAddress
    ) {
        self.chargeID = chargeID
        self.amount = amount
        self.userID = userID
        self.productID = productID
        self.quantity = quantity
        self.shipping = shipping
    }

    private enum CodingKeys: String, CodingKey {
        case chargeID = "chargeId"
        case amount
        case userID = "userId"
        case productID = "productId"
        case quantity, shipping
    }

    /// Decodes what makes sense; anything else is a decoding error.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        chargeID = try fields.decode(String.self, forKey: .chargeID)
        amount = try fields.decode(Money.self, forKey: .amount)
        userID = try fields.decode(UserID.self, forKey: .userID)
        productID = try fields.decode(ProductID.self, forKey: .productID)
        quantity = try fields.decodePieces(forKey: .quantity)
        shipping = try fields.decode(ShippingAddress.self, forKey: .shipping)
    }
}

/// Nothing is charged: the card was refused, or what was charged of unknown outcome is returned.
public struct PaymentFailed: PaymentEvent, FailureEvent, Equatable {
    /// Why, in snake_case.
    public var reason: String
    /// The reason in a sentence.
    public var detail: String

    /// A payment that did not happen.
    public init(reason: String, detail: String) {
        self.reason = reason
        self.detail = detail
    }
}

/// What was charged is returned.
///
/// Without an amount nothing had been charged.
public struct PaymentRefunded: PaymentEvent, UndoneEvent, Equatable {
    /// What was returned, absent if there was nothing to return.
    public var amount: Money?

    /// A refund, or the answer that none is needed.
    public init(amount: Money?) {
        self.amount = amount
    }

    /// Nothing had been charged.
    public init() {
        self.init(amount: nil)
    }
}

/// A charge stands at the company that no ledger knows.
///
/// It asks whether its order is cancelled.
///
/// Its time is when the company made it.
public struct PaymentUnclaimed: PaymentEvent, UnclaimedEvent, Equatable {
    /// The key under which it stands.
    public var key: String

    /// Whether it stands for good.
    public var isFinal: Bool
    /// How often this was asked; 0 if it is the answer to `OrderMissing`.
    public var count: Int

    /// The question about what stands under a key.
    public init(key: String, isFinal: Bool, count: Int) {
        self.key = key
        self.isFinal = isFinal
        self.count = count
    }
}
