public import Saga

/// What the shipping service publishes.
public protocol ShippingEvent: SagaEvent {}

extension ShippingEvent {
    /// The shipping service owns the stream.
    public static var owner: String { ServiceName.shipping }
}

/// The carrier will take the goods.
///
/// Carries the order back to the order service.
public struct ShipmentArranged: ShippingEvent, Equatable {
    /// The carrier's name for the shipment.
    public var shipmentID: String
    /// What the customer can follow the shipment by.
    public var trackingNumber: String
    /// Who ordered.
    public var userID: UserID
    /// What is shipped.
    public var productID: ProductID
    /// How many are shipped.
    public var quantity: Int

    /// An arranged shipment.
    public init(
        shipmentID: String, trackingNumber: String, userID: UserID, productID: ProductID,
        quantity: Int
    ) {
        self.shipmentID = shipmentID
        self.trackingNumber = trackingNumber
        self.userID = userID
        self.productID = productID
        self.quantity = quantity
    }

    private enum CodingKeys: String, CodingKey {
        case shipmentID = "shipmentId"
        case trackingNumber
        case userID = "userId"
        case productID = "productId"
        case quantity
    }

    /// Decodes what makes sense; anything else is a decoding error.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        shipmentID = try fields.decode(String.self, forKey: .shipmentID)
        trackingNumber = try fields.decode(String.self, forKey: .trackingNumber)
        userID = try fields.decode(UserID.self, forKey: .userID)
        productID = try fields.decode(ProductID.self, forKey: .productID)
        quantity = try fields.decodePieces(forKey: .quantity)
    }
}

/// No carrier takes the goods; nothing was arranged.
public struct ShippingFailed: ShippingEvent, FailureEvent, Equatable {
    /// Why, in snake_case.
    public var reason: String
    /// The reason in a sentence.
    public var detail: String

    /// A shipment that was not arranged.
    public init(reason: String, detail: String) {
        self.reason = reason
        self.detail = detail
    }
}

/// The carrier will not come.
public struct ShipmentCancelled: ShippingEvent, UndoneEvent, Equatable {
    /// Whether a shipment had been arranged at all.
    public var wasArranged: Bool

    /// A cancelled shipment, or the answer that there is none.
    public init(wasArranged: Bool) {
        self.wasArranged = wasArranged
    }

    /// There was none.
    public init() {
        self.init(wasArranged: false)
    }
}

/// The goods are on their way.
public struct ShipmentDispatched: ShippingEvent, Equatable {
    /// The carrier's name for the pick-up.
    public var dispatchID: String

    /// A dispatched shipment.
    public init(dispatchID: String) {
        self.dispatchID = dispatchID
    }

    private enum CodingKeys: String, CodingKey {
        case dispatchID = "dispatchId"
    }
}

/// A booking stands at the carrier that no ledger knows.
///
/// It asks whether its order is cancelled.
///
/// Its time is when the carrier made it.
public struct ShipmentUnclaimed: ShippingEvent, UnclaimedEvent, Equatable {
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
