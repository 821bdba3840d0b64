public import Saga

/// Who takes part in the order saga, and all that they tell each other.
public enum OrderSaga {
    /// Who begins each saga, and tells itself by an event of its own when its time is up.
    public static let owner = ServiceName.order

    /// Every type of event that a participant emits.
    public static let events: [any SagaEvent.Type] = [
        OrderCreated.self, OrderCompleted.self, OrderCancellationRequested.self,
        OrderCancelled.self, PaymentProcessed.self, PaymentFailed.self, PaymentRefunded.self,
        ProductReserved.self, ProductReservationFailed.self, ProductReleased.self,
        ShipmentArranged.self, ShippingFailed.self, ShipmentCancelled.self,
        ShipmentDispatched.self,
    ]
}
