import OrderContracts
public import Saga
import SagaHTTP

/// The shipping service's part in the order saga: a shipment is booked, then cancelled or sent.
///
///     ProductReserved ──arrange──▶ ShipmentArranged | ShippingFailed
///     OrderCancellationRequested ──▶ ShipmentCancelled
///     OrderCompleted ──▶ ShipmentDispatched
///     a booking in the carrier's books that no ledger knows ──▶ ShipmentUnclaimed
extension Participant {
    /// Books with `carrier`; a booking without an answer for `giveUpAfter` is taken back.
    ///
    /// - Parameters:
    ///   - atMost: how many calls are made at once.
    ///   - outside: how often the carrier may be called, and when it counts as down.
    public static func shipping(
        carrier: any Carrier, giveUpAfter: Duration, atMost: Int? = nil,
        calls outside: OutsideCompany? = nil
    ) -> Participant {
        Participant(.order, ServiceName.shipping) {
            Perform(
                OrderSaga.arrange, giveUpAfter: giveUpAfter, atMost: atMost, calls: outside
            ) { order, context in
                let shipment = try await context.calling {
                    try await carrier.arrange(
                        Parcel(order, context.sagaID), key: context.idempotencyKey
                    ).get()
                }
                return Transition(ShipmentArranged(order, shipment)) {
                    $0.set(.shipment(context.sagaID), ShipmentState.arranged(shipment))
                }
            } undo: { context in
                let found = try await context.calling {
                    try await carrier.cancel(
                        shipmentKey: context.idempotencyKey,
                        key: context.idempotencyKey(for: "cancel"))
                }
                if found == .nothingArranged { try await expectNoBooking(context) }
                return Transition(ShipmentCancelled(wasArranged: found == .cancelled)) {
                    $0.set(.shipment(context.sagaID), ShipmentState.cancelled)
                }
            }
            .reconciled(with: carrier)
            .onFailure { failure, context in
                Changes { $0.set(.shipment(context.sagaID), ShipmentState.failed(failure)) }
            }
            .finish(OrderSaga.dispatch) { _, context in
                let dispatch = try await context.calling {
                    try await carrier.dispatch(
                        shipmentKey: context.idempotencyKey,
                        key: context.idempotencyKey(for: "dispatch"))
                }
                return Transition(ShipmentDispatched(dispatchID: dispatch.id)) {
                    $0.set(.shipment(context.sagaID), ShipmentState.dispatched)
                }
            }
        }
    }
}

/// That nothing was booked is true of a booking without an answer only.
private func expectNoBooking(_ context: StepContext) async throws {
    let fields = try await context.records.fields(of: .shipment(context.sagaID))
    guard fields["status"] != ShipmentState.Status.arranged.rawValue else {
        throw ShippingError(.unknownBooking, "The carrier does not know a booking that it took.")
    }
}

extension Parcel {
    fileprivate init(_ order: ProductReserved, _ orderID: String) {
        self.init(
            reference: OrderID(wellFormed: orderID), productID: order.productID,
            quantity: order.quantity, address: order.shipping)
    }
}

extension ShipmentArranged {
    fileprivate init(_ order: ProductReserved, _ shipment: Shipment) {
        self.init(
            shipmentID: shipment.id, trackingNumber: shipment.trackingNumber,
            userID: order.userID, productID: order.productID, quantity: order.quantity)
    }
}
