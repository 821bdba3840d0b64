public import OrderContracts
public import Saga

/// The company that moves the goods.
///
/// A key names a call for good: calling again under the same key changes nothing more and brings
/// the same answer. A thrown error means that nobody knows whether the call took effect, unless it
/// says that nothing was sent. Its books list the bookings by those keys.
public protocol Carrier: OutsideBooks {
    /// Books a shipment, or says why not. `key` names it from then on.
    func arrange(
        _ parcel: Parcel, key: String
    ) async throws(ShippingError) -> Result<Shipment, BusinessFailure>

    /// Takes a booking back. If there is none under `shipmentKey`, none can be made any more.
    func cancel(shipmentKey: String, key: String) async throws(ShippingError) -> Cancellation

    /// Sends a booked shipment on its way. From here nothing is taken back.
    func dispatch(shipmentKey: String, key: String) async throws(ShippingError) -> Dispatch
}

/// What is to be shipped, and where.
public struct Parcel: Equatable, Sendable {
    /// The order, as the carrier shows it in its books.
    public var reference: OrderID
    /// What is inside.
    public var productID: ProductID
    /// How many are inside.
    public var quantity: Int
    /// Where it goes.
    public var address: ShippingAddress

    /// A parcel.
    public init(
        reference: OrderID, productID: ProductID, quantity: Int, address: ShippingAddress
    ) {
        self.reference = reference
        self.productID = productID
        self.quantity = quantity
        self.address = address
    }
}

/// A booking with the carrier.
public struct Shipment: Equatable, Sendable {
    /// The carrier's name for it.
    public var id: String
    /// What the customer can follow it by.
    public var trackingNumber: String

    /// A booking.
    public init(id: String, trackingNumber: String) {
        self.id = id
        self.trackingNumber = trackingNumber
    }
}

/// What a cancellation found.
public enum Cancellation: Equatable, Sendable {
    /// The booking is taken back.
    case cancelled

    /// There was no booking under the key, and there will be none.
    case nothingArranged
}

/// A parcel on its way.
public struct Dispatch: Equatable, Sendable {
    /// The carrier's name for the pick-up.
    public var id: String

    /// A dispatch.
    public init(id: String) {
        self.id = id
    }
}
