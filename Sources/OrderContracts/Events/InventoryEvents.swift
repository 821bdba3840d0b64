public import Saga

/// What the inventory publishes.
public protocol InventoryEvent: SagaEvent {}

extension InventoryEvent {
    /// The inventory owns the stream.
    public static var owner: String { ServiceName.inventory }
}

/// The ordered goods are set aside.
///
/// Carries the order on to shipping.
public struct ProductReserved: InventoryEvent, Equatable {
    /// Who ordered.
    public var userID: UserID
    /// What is set aside.
    public var productID: ProductID
    /// How many are set aside.
    public var quantity: Int
    /// Where it goes.
    public var shipping: ShippingAddress

    /// A reservation.
    public init(userID: UserID, productID: ProductID, quantity: Int, shipping: ShippingAddress) {
        self.userID = userID
        self.productID = productID
        self.quantity = quantity
        self.shipping = shipping
    }

    private enum CodingKeys: String, CodingKey {
        case userID = "userId"
        case productID = "productId"
        case quantity, shipping
    }

    /// Decodes what makes sense; anything else is a decoding error.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        userID = try fields.decode(UserID.self, forKey: .userID)
        productID = try fields.decode(ProductID.self, forKey: .productID)
        quantity = try fields.decodePieces(forKey: .quantity)
        shipping = try fields.decode(ShippingAddress.self, forKey: .shipping)
    }
}

/// The goods cannot be set aside; nothing was.
public struct ProductReservationFailed: InventoryEvent, FailureEvent, Equatable {
    /// Why, in snake_case.
    public var reason: String
    /// The reason in a sentence.
    public var detail: String

    /// A reservation that did not happen.
    public init(reason: String, detail: String) {
        self.reason = reason
        self.detail = detail
    }
}

/// What was set aside has left the stock.
public struct ProductShipped: InventoryEvent, Equatable {
    /// What has left.
    public var productID: ProductID
    /// How many have left.
    public var quantity: Int

    /// Pieces that have left.
    public init(productID: ProductID, quantity: Int) {
        self.productID = productID
        self.quantity = quantity
    }

    private enum CodingKeys: String, CodingKey {
        case productID = "productId"
        case quantity
    }

    /// Decodes what makes sense; anything else is a decoding error.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        productID = try fields.decode(ProductID.self, forKey: .productID)
        quantity = try fields.decodePieces(forKey: .quantity)
    }
}

/// What was set aside is available again.
///
/// Without a product nothing had been set aside.
public struct ProductReleased: InventoryEvent, UndoneEvent, Equatable {
    /// What is available again, absent if there was nothing to release.
    public var productID: ProductID?
    /// How many are available again; 0 if there was nothing to release.
    public var quantity: Int

    /// A release, or the answer that none is needed.
    public init(productID: ProductID?, quantity: Int) {
        self.productID = productID
        self.quantity = quantity
    }

    /// Nothing had been set aside.
    public init() {
        self.init(productID: nil, quantity: 0)
    }

    private enum CodingKeys: String, CodingKey {
        case productID = "productId"
        case quantity
    }

    /// Decodes what makes sense; anything else is a decoding error.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        productID = try fields.decodeIfPresent(ProductID.self, forKey: .productID)
        quantity = try fields.decodePieces(
            forKey: .quantity, in: 0...Pieces.range.upperBound)
    }
}
