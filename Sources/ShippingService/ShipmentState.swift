public import OrderContracts
public import Saga
public import Timekeeping

/// An order's shipment as its service keeps it and shows it.
public struct ShipmentState: Equatable, Sendable {
    /// Where a shipment stands.
    public enum Status: String, Sendable {
        /// Booked with the carrier.
        case arranged
        /// The carrier did not take it.
        case failed
        /// Was booked, and is not any more.
        case cancelled
        /// On its way.
        case dispatched
    }

    /// The order that is shipped.
    public var orderID: OrderID
    /// Where the shipment stands.
    public var status: Status
    /// The carrier's booking, absent if there never was one.
    public var shipment: Shipment?
    /// Why it failed.
    public var failure: BusinessFailure?
    /// When it last changed.
    public var updatedAt: Timestamp
}

// MARK: - Its record

extension RecordName {
    /// Names the hash of one of them, `{shipping}:shipment:<order>`.
    ///
    ///     status updated [shipment tracking] [reason detail]
    static func shipment(_ orderID: String) -> RecordName { "shipment:\(orderID)" }
}

extension ShipmentState {
    static func arranged(_ shipment: Shipment) -> [String: String] {
        [
            "status": Status.arranged.rawValue, "shipment": shipment.id,
            "tracking": shipment.trackingNumber, "updated": now(),
        ]
    }

    static func failed(_ failure: BusinessFailure) -> [String: String] {
        [
            "status": Status.failed.rawValue, "reason": failure.reason, "detail": failure.detail,
            "updated": now(),
        ]
    }

    static var cancelled: [String: String] {
        ["status": Status.cancelled.rawValue, "updated": now()]
    }

    static var dispatched: [String: String] {
        ["status": Status.dispatched.rawValue, "updated": now()]
    }

    private static func now() -> String { String(Timestamp.now().milliseconds) }

    /// Reads a record; nil if there is none, an error if it is not one.
    init?(_ orderID: OrderID, fields: [String: String]) throws(ShippingError) {
        guard !fields.isEmpty else { return nil }
        guard let status = fields["status"].flatMap(Status.init(rawValue:)),
            let updated = fields["updated"].flatMap(Int64.init)
        else {
            throw ShippingError(
                .damagedRecord, "The record of the shipment for order \(orderID) is damaged.")
        }
        self.orderID = orderID
        self.status = status
        if let id = fields["shipment"], let tracking = fields["tracking"] {
            shipment = Shipment(id: id, trackingNumber: tracking)
        }
        failure = fields["reason"].map { BusinessFailure($0, fields["detail"] ?? "") }
        updatedAt = Timestamp(milliseconds: updated)
    }
}
