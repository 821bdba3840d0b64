import OrderContracts
public import Saga

/// The order service's part in its sagas: it begins them and decides how they end.
///
///     POST ──▶ OrderCreated … ShipmentArranged ──the pivot──▶ OrderCompleted
///     a failure, the client, the deadline ──▶ OrderCancelling
///     … everyone awaited has answered ──▶ OrderCancelled
extension Participant {
    /// Cancels what is still pending after `deadline`.
    public static func order(deadline: Duration) -> Participant {
        Participant(.order, ServiceName.order) {
            Oversee(OrderSaga.ends, deadline: deadline) { shipment, context in
                Transition(OrderCompleted(shipment)) {
                    $0.set(.order(context.sagaID), Order.becomes(.completed))
                }
            }
            .cancelling { failure, context in
                Changes { $0.set(.order(context.sagaID), Order.becomesCancelling(failure)) }
            }
            .cancelled { _, context in
                Changes { $0.set(.order(context.sagaID), Order.becomes(.cancelled)) }
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
