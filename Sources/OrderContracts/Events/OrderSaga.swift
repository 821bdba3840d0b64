public import Saga

/// The order saga: who takes part, in which order, and all that they tell each other.
///
///     OrderCreated ─charge▶ PaymentProcessed ─reserve▶ ProductReserved ─arrange▶ ShipmentArranged
///                      ─the pivot▶ OrderCompleted: the goods leave the stock, the carrier comes
///     a failure, a request ─▶ OrderCancelling ─all who are awaited have answered▶ OrderCancelled
///
/// `OrderCancelling` is said by the engine, as `<Owner>Cancelling` of every route: nobody waits for
/// it, and who keeps answers about an order drops them. It has the members `reason` and `detail`.
public enum OrderSaga {
    /// A card is charged, and refunded.
    public static let charge = Leg(
        "charge", by: ServiceName.payment, on: OrderCreated.self, emits: PaymentProcessed.self,
        orElse: PaymentFailed.self, undone: PaymentRefunded.self
    ).asking(by: PaymentUnclaimed.self)

    /// Pieces are set aside, and put back.
    public static let reserve = Leg(
        "reserve", by: ServiceName.inventory, on: PaymentProcessed.self,
        emits: ProductReserved.self, orElse: ProductReservationFailed.self,
        undone: ProductReleased.self, actsOutside: false)

    /// A shipment is booked, and cancelled.
    public static let arrange = Leg(
        "arrange", by: ServiceName.shipping, on: ProductReserved.self,
        emits: ShipmentArranged.self, orElse: ShippingFailed.self, undone: ShipmentCancelled.self
    ).asking(by: ShipmentUnclaimed.self)

    /// What was set aside leaves the stock.
    public static let ship = FinishingLeg(
        of: reserve, on: OrderCompleted.self, emits: ProductShipped.self)

    /// The carrier comes.
    public static let dispatch = FinishingLeg(
        of: arrange, on: OrderCompleted.self, emits: ShipmentDispatched.self)

    /// Who begins each saga and decides how it ends.
    public static let ends = RouteOwner(
        ServiceName.order, begins: OrderCreated.self, completes: OrderCompleted.self,
        on: ShipmentArranged.self, cancelled: OrderCancelled.self,
        request: OrderCancellationRequested.self)

    /// Who begins each saga, and tells itself by an event of its own when its time is up.
    public static let owner = ServiceName.order

    /// Every type of event that a participant declares to emit.
    public static let events: [any SagaEvent.Type] = Route.order.events
}

extension Route {
    /// The way of an order.
    public static let order = Route(ServiceName.route, owner: OrderSaga.ends) {
        OrderSaga.charge
        OrderSaga.reserve
        OrderSaga.arrange
        OrderSaga.ship
        OrderSaga.dispatch
    }
}
