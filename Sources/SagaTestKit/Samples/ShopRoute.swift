package import Saga

/// The route of the shop's orders.
package enum ShopRoute {
    package static let charge = Leg(
        "charge", by: "payment", on: OrderCreated.self, emits: PaymentProcessed.self,
        orElse: PaymentFailed.self, undone: PaymentRefunded.self)
    package static let reserve = Leg(
        "reserve", by: "inventory", on: PaymentProcessed.self, emits: ProductReserved.self,
        orElse: ProductReservationFailed.self, undone: ProductReleased.self, actsOutside: false)
    package static let arrange = Leg(
        "arrange", by: "shipping", on: ProductReserved.self, emits: ShipmentArranged.self,
        orElse: ShippingFailed.self, undone: ShipmentCancelled.self)
    package static let ship = FinishingLeg(
        of: reserve, on: OrderCompleted.self, emits: ProductShipped.self)
    package static let dispatch = FinishingLeg(
        of: arrange, on: OrderCompleted.self, emits: ShipmentDispatched.self)
    package static let ends = RouteOwner(
        "order", begins: OrderCreated.self, completes: OrderCompleted.self,
        on: ShipmentArranged.self, cancelled: OrderCancelled.self,
        request: OrderCancellationRequested.self)
    package static let route = Route("saga", owner: ends) {
        charge
        reserve
        arrange
        ship
        dispatch
    }
}
