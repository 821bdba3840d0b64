import OrderContracts
public import Saga

/// The order service's part in its sagas: it begins them and decides how they end.
///
///     POST ──▶ OrderCreated … ShipmentArranged ──the pivot──▶ OrderCompleted
///     a failure, the client, the deadline … everyone awaited has answered ──▶ OrderCancelled
extension Participant {
    /// Cancels what is still pending after `deadline`.
    public static func order(deadline: Duration) -> Participant {
        Participant(ServiceName.order, route: ServiceName.route) {
            Lifecycle(
                begins: OrderCreated.self, deadline: deadline,
                answers: [
                    ServiceName.payment: [PaymentRefunded.self, PaymentFailed.self],
                    ServiceName.inventory: [ProductReleased.self, ProductReservationFailed.self],
                    ServiceName.shipping: [ShipmentCancelled.self, ShippingFailed.self],
                ]
            )
            .completes(on: ShipmentArranged.self, emits: OrderCompleted.self) { shipment, context in
                Transition(OrderCompleted(shipment)) {
                    $0.set(.order(context.sagaID), Order.becomes(.completed))
                }
            }
            .cancels(on: PaymentFailed.self, awaiting: [])
            .cancels(on: ProductReservationFailed.self, awaiting: [ServiceName.payment])
            .cancels(
                on: ShippingFailed.self, awaiting: [ServiceName.payment, ServiceName.inventory]
            )
            .cancelsOnRequest(
                awaiting: [ServiceName.payment, ServiceName.inventory, ServiceName.shipping],
                emits: OrderCancellationRequested.self
            ) { request, _ in
                Transition(
                    OrderCancellationRequested(reason: request.reason, detail: request.detail))
            }
            .cancelling { failure, context in
                Changes { $0.set(.order(context.sagaID), Order.becomesCancelling(failure)) }
            }
            .cancelled(emits: OrderCancelled.self) { failure, context in
                Transition(OrderCancelled(reason: failure.reason, detail: failure.detail)) {
                    $0.set(.order(context.sagaID), Order.becomes(.cancelled))
                }
            }
        }
    }
}

extension OrderCompleted {
    fileprivate init(_ shipment: ShipmentArranged) {
        self.init(
            userID: shipment.userID, productID: shipment.productID, quantity: shipment.quantity)
    }
}
