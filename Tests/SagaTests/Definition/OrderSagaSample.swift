import Saga

// The order saga of the tests: four participants whose events carry nothing but a reason.

struct OrderCreated: SagaEvent {
    static let owner = "order"
    var quantity: Int
}
struct OrderCompleted: SagaEvent { static let owner = "order" }
struct OrderCancelled: SagaEvent {
    static let owner = "order"
    var reason: String
}
struct OrderCancellationRequested: SagaEvent {
    static let owner = "order"
    var reason: String
}
struct PaymentProcessed: SagaEvent { static let owner = "payment" }
struct PaymentFailed: FailureEvent {
    static let owner = "payment"
    var reason: String
    var detail = ""
}
struct PaymentRefunded: SagaEvent { static let owner = "payment" }
struct ProductReserved: SagaEvent { static let owner = "inventory" }
struct ProductReservationFailed: FailureEvent {
    static let owner = "inventory"
    var reason: String
    var detail = ""
}
struct ProductReleased: SagaEvent { static let owner = "inventory" }
struct ShipmentArranged: SagaEvent { static let owner = "shipping" }
struct ShippingFailed: FailureEvent {
    static let owner = "shipping"
    var reason: String
    var detail = ""
}
struct ShipmentCancelled: SagaEvent { static let owner = "shipping" }
struct ShipmentDispatched: SagaEvent { static let owner = "shipping" }

enum OrderSaga {
    static let payment = Participant("payment") {
        Step(
            "charge", on: OrderCreated.self, emits: PaymentProcessed.self,
            orElse: { failure, _ in Transition(PaymentFailed(reason: failure.reason)) }
        ) { _, _ in
            Transition(PaymentProcessed())
        }
        .compensated(
            by: [
                ProductReservationFailed.self, ShippingFailed.self, OrderCancellationRequested.self,
            ],
            emits: PaymentRefunded.self,
            nothingToUndo: { _ in Transition(PaymentRefunded()) },
            undo: { _ in Transition(PaymentRefunded()) })
    }

    static let inventory = Participant("inventory") {
        Step(
            "reserve", on: PaymentProcessed.self, emits: ProductReserved.self,
            actsOutside: false,
            orElse: { failure, _ in Transition(ProductReservationFailed(reason: failure.reason)) }
        ) { _, context in
            Transition(ProductReserved()) { changes in
                changes.set("reservation:\(context.sagaID)", ["quantity": "1"])
            }
        }
        .compensated(
            by: [ShippingFailed.self, OrderCancellationRequested.self],
            emits: ProductReleased.self,
            nothingToUndo: { _ in Transition(ProductReleased()) },
            undo: { _ in Transition(ProductReleased()) }
        )
        .finished(by: OrderCompleted.self) { _, _ in Changes() }
    }

    static let shipping = Participant("shipping") {
        Step(
            "arrange", on: ProductReserved.self, emits: ShipmentArranged.self,
            orElse: { failure, _ in Transition(ShippingFailed(reason: failure.reason)) }
        ) { _, _ in
            Transition(ShipmentArranged())
        }
        .compensated(
            by: [OrderCancellationRequested.self],
            emits: ShipmentCancelled.self,
            nothingToUndo: { _ in Transition(ShipmentCancelled()) },
            undo: { _ in Transition(ShipmentCancelled()) }
        )
        .finished(by: OrderCompleted.self, emits: ShipmentDispatched.self) { _, _ in
            Transition(ShipmentDispatched())
        }
    }

    static let order = Participant("order") {
        Lifecycle(
            begins: OrderCreated.self, deadline: .seconds(30),
            answers: [
                "payment": [PaymentFailed.self, PaymentRefunded.self],
                "inventory": [ProductReservationFailed.self, ProductReleased.self],
                "shipping": [ShippingFailed.self, ShipmentCancelled.self],
            ]
        )
        .completes(on: ShipmentArranged.self, emits: OrderCompleted.self) { _, _ in
            Transition(OrderCompleted())
        }
        .cancels(on: PaymentFailed.self, awaiting: [])
        .cancels(on: ProductReservationFailed.self, awaiting: ["payment"])
        .cancels(on: ShippingFailed.self, awaiting: ["payment", "inventory"])
        .cancelsOnRequest(
            awaiting: ["payment", "inventory", "shipping"], emits: OrderCancellationRequested.self
        ) { failure, _ in
            Transition(OrderCancellationRequested(reason: failure.reason))
        }
        .cancelled(emits: OrderCancelled.self) { failure, _ in
            Transition(OrderCancelled(reason: failure.reason))
        }
    }

    static let all = [order, payment, inventory, shipping]
}
