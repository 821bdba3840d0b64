import Saga

/// The shipment of the order that a new system shows.
///
/// The sandbox's books begin with this booking.
enum ShippingSeed {
    /// Files it unless there is one.
    static var changes: Changes {
        Changes { changes in
            changes.requireAbsent(.shipment("1"), orElse: BusinessFailure("seeded"))
            changes.set(
                .shipment("1"),
                ShipmentState.arranged(Shipment(id: "sh_2", trackingNumber: "TRACK-1000002")))
            changes.set(.shipment("1"), ShipmentState.dispatched)
        }
    }
}
