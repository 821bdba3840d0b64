public import Saga

/// What the order service publishes.
///
/// The order's ID is each event's subject and correlation ID, so no payload repeats it. All events
/// of the order system carry what their consumers need to act without a read: product and quantity
/// travel along the whole chain.
public protocol OrderEvent: SagaEvent {}

extension OrderEvent {
    /// The order service owns the stream.
    public static var owner: String { ServiceName.order }
}

/// An order was accepted and priced.
///
/// Starts the saga.
public struct OrderCreated: OrderEvent, Equatable {
    /// Who ordered.
    public var userID: UserID
    /// What was ordered.
    public var productID: ProductID
    /// How many.
    public var quantity: Int
    /// What it costs altogether.
    public var total: Money
    /// How it is paid.
    public var payment: PaymentMethod
    /// Where it goes.
    public var shipping: ShippingAddress

    /// An accepted order.
    public init(
        userID: UserID, productID: ProductID, quantity: Int, total: Money, payment: PaymentMethod,
        shipping: ShippingAddress
    ) {
        self.userID = userID
        self.productID = productID
        self.quantity = quantity
        self.total = total
        self.payment = payment
        self.shipping = shipping
    }

    private enum CodingKeys: String, CodingKey {
        case userID = "userId"
        case productID = "productId"
        case quantity, total, payment, shipping
    }

    /// Decodes what makes sense; anything else is a decoding error.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        userID = try fields.decode(UserID.self, forKey: .userID)
        productID = try fields.decode(ProductID.self, forKey: .productID)
        quantity = try fields.decodePieces(forKey: .quantity)
        total = try fields.decode(Money.self, forKey: .total)
        payment = try fields.decode(PaymentMethod.self, forKey: .payment)
        shipping = try fields.decode(ShippingAddress.self, forKey: .shipping)
    }
}

/// The pivot: the order goes through, and from here on only forward.
public struct OrderCompleted: OrderEvent, Equatable {
    /// Who ordered.
    public var userID: UserID
    /// What leaves the stock.
    public var productID: ProductID
    /// How many leave the stock.
    public var quantity: Int

    /// A completed order.
    public init(userID: UserID, productID: ProductID, quantity: Int) {
        self.userID = userID
        self.productID = productID
        self.quantity = quantity
    }

    private enum CodingKeys: String, CodingKey {
        case userID = "userId"
        case productID = "productId"
        case quantity
    }

    /// Decodes what makes sense; anything else is a decoding error.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        userID = try fields.decode(UserID.self, forKey: .userID)
        productID = try fields.decode(ProductID.self, forKey: .productID)
        quantity = try fields.decodePieces(forKey: .quantity)
    }
}

/// The client or the deadline wants the order gone; every participant answers once.
public struct OrderCancellationRequested: OrderEvent, ReasonEvent, Equatable {
    /// `requested_by_client` or `deadline_exceeded`.
    public var reason: String
    /// The reason in a sentence.
    public var detail: String

    /// A request to cancel.
    public init(reason: String, detail: String) {
        self.reason = reason
        self.detail = detail
    }
}

/// Every effect of the order is undone.
///
/// The saga's other end.
public struct OrderCancelled: OrderEvent, ReasonEvent, Equatable {
    /// Why the order was cancelled.
    public var reason: String
    /// The reason in a sentence.
    public var detail: String

    /// A cancelled order.
    public init(reason: String, detail: String) {
        self.reason = reason
        self.detail = detail
    }
}
