import Saga

// The order saga of the tests: four participants whose events carry nothing but a reason.

struct OrderCreated: SagaEvent {
    static let owner = "order"
    var quantity: Int
}
struct OrderCompleted: SagaEvent { static let owner = "order" }
struct OrderCancelled: ReasonEvent {
    static let owner = "order"
    var reason: String
    var detail = ""
}
struct OrderCancellationRequested: ReasonEvent {
    static let owner = "order"
    var reason: String
    var detail = ""
}
struct PaymentProcessed: SagaEvent { static let owner = "payment" }
struct PaymentFailed: FailureEvent {
    static let owner = "payment"
    var reason: String
    var detail = ""
}
struct PaymentRefunded: UndoneEvent { static let owner = "payment" }
struct ProductReserved: SagaEvent { static let owner = "inventory" }
struct ProductReservationFailed: FailureEvent {
    static let owner = "inventory"
    var reason: String
    var detail = ""
}
struct ProductReleased: UndoneEvent { static let owner = "inventory" }
struct ShipmentArranged: SagaEvent { static let owner = "shipping" }
struct ShippingFailed: FailureEvent {
    static let owner = "shipping"
    var reason: String
    var detail = ""
}
struct ShipmentCancelled: UndoneEvent { static let owner = "shipping" }
struct ShipmentDispatched: SagaEvent { static let owner = "shipping" }

enum OrderSaga {
    static let charge = Leg(
        "charge", by: "payment", on: OrderCreated.self, emits: PaymentProcessed.self,
        orElse: PaymentFailed.self, undone: PaymentRefunded.self)
    static let reserve = Leg(
        "reserve", by: "inventory", on: PaymentProcessed.self, emits: ProductReserved.self,
        orElse: ProductReservationFailed.self, undone: ProductReleased.self, actsOutside: false)
    static let arrange = Leg(
        "arrange", by: "shipping", on: ProductReserved.self, emits: ShipmentArranged.self,
        orElse: ShippingFailed.self, undone: ShipmentCancelled.self)
    static let ship = FinishingLeg(of: reserve, on: OrderCompleted.self)
    static let dispatch = FinishingLeg(
        of: arrange, on: OrderCompleted.self, emits: ShipmentDispatched.self)
    static let ends = RouteOwner(
        "order", begins: OrderCreated.self, completes: OrderCompleted.self,
        on: ShipmentArranged.self, cancelled: OrderCancelled.self,
        request: OrderCancellationRequested.self)
    static let route = Route("saga", owner: ends) {
        charge
        reserve
        arrange
        ship
        dispatch
    }

    static let payment = Participant(route, "payment") {
        Perform(charge) { _, _ in
            Transition(PaymentProcessed())
        } undo: { _ in
            Transition(PaymentRefunded())
        }
    }

    static let inventory = Participant(route, "inventory") {
        Perform(reserve) { _, context in
            Transition(ProductReserved()) { changes in
                changes.set("reservation:\(context.sagaID)", ["quantity": "1"])
            }
        } undo: { _ in
            Transition(ProductReleased())
        }
        .finish(ship) { _, _ in Changes() }
    }

    static let shipping = Participant(route, "shipping") {
        Perform(arrange) { _, _ in
            Transition(ShipmentArranged())
        } undo: { _ in
            Transition(ShipmentCancelled())
        }
        .finish(dispatch) { _, _ in Transition(ShipmentDispatched()) }
    }

    static let order = Participant(route, "order") {
        Oversee(ends, deadline: .seconds(30)) { _, _ in Transition(OrderCompleted()) }
    }

    static let all = [order, payment, inventory, shipping]
}
