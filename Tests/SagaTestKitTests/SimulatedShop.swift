import Saga
import SagaTestKit

// The order saga as the order system has it, on companies that a seed decides.

struct OrderCreated: SagaEvent {
    static let owner = "order"
    var card: String
    var country: String
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
struct PaymentProcessed: SagaEvent {
    static let owner = "payment"
    var country: String
    var quantity: Int
}
struct PaymentFailed: FailureEvent {
    static let owner = "payment"
    var reason: String
    var detail: String
}
struct PaymentRefunded: SagaEvent { static let owner = "payment" }
struct ProductReserved: SagaEvent {
    static let owner = "inventory"
    var country: String
}
struct ProductReservationFailed: FailureEvent {
    static let owner = "inventory"
    var reason: String
    var detail: String
}
struct ProductReleased: SagaEvent { static let owner = "inventory" }
struct ShipmentArranged: SagaEvent { static let owner = "shipping" }
struct ShippingFailed: FailureEvent {
    static let owner = "shipping"
    var reason: String
    var detail: String
}
struct ShipmentCancelled: SagaEvent { static let owner = "shipping" }
struct ShipmentDispatched: SagaEvent { static let owner = "shipping" }

struct SimulatedShop: Sendable {
    let bank: SimulatedCompany
    let carrier: SimulatedCompany
    let dispatch: SimulatedCompany

    init(_ simulation: Simulation) {
        bank = SimulatedCompany(simulation)
        carrier = SimulatedCompany(simulation)
        dispatch = SimulatedCompany(simulation)
    }

    var order: Participant {
        Participant("order") {
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
                awaiting: ["payment", "inventory", "shipping"],
                emits: OrderCancellationRequested.self
            ) { failure, _ in
                Transition(OrderCancellationRequested(reason: failure.reason))
            }
            .cancelled(emits: OrderCancelled.self) { failure, _ in
                Transition(OrderCancelled(reason: failure.reason))
            }
        }
    }

    var payment: Participant {
        Participant("payment") {
            Step(
                "charge", on: OrderCreated.self, emits: PaymentProcessed.self,
                orElse: { failure, _ in
                    Transition(PaymentFailed(reason: failure.reason, detail: failure.detail))
                },
                perform: { [bank] order, context in
                    if order.card == "declined" { throw BusinessFailure("card_declined") }
                    try await bank.act(context.idempotencyKey)
                    return Transition(
                        PaymentProcessed(country: order.country, quantity: order.quantity))
                }
            )
            .compensated(
                by: [
                    ProductReservationFailed.self, ShippingFailed.self,
                    OrderCancellationRequested.self,
                ],
                emits: PaymentRefunded.self,
                nothingToUndo: { _ in Transition(PaymentRefunded()) },
                undo: { [bank] context in
                    try await bank.undo(context.idempotencyKey)
                    return Transition(PaymentRefunded())
                })
        }
    }

    var inventory: Participant {
        Participant("inventory") {
            Step(
                "reserve", on: PaymentProcessed.self, emits: ProductReserved.self,
                actsOutside: false,
                orElse: { failure, _ in
                    Transition(
                        ProductReservationFailed(reason: failure.reason, detail: failure.detail))
                },
                perform: { payment, context in
                    Transition(ProductReserved(country: payment.country)) {
                        $0.require(
                            "stock", "available", atLeast: payment.quantity,
                            orElse: BusinessFailure("out_of_stock"))
                        $0.increment("stock", "available", by: -payment.quantity)
                        $0.increment("stock", "reserved", by: payment.quantity)
                        $0.set("reservation:\(context.sagaID)", ["count": "\(payment.quantity)"])
                    }
                }
            )
            .compensated(
                by: [ShippingFailed.self, OrderCancellationRequested.self],
                emits: ProductReleased.self,
                nothingToUndo: { _ in Transition(ProductReleased()) },
                undo: { context in
                    let quantity = try await Self.reserved(context)
                    return Transition(ProductReleased()) {
                        $0.increment("stock", "available", by: quantity)
                        $0.increment("stock", "reserved", by: -quantity)
                    }
                }
            )
            .finished(by: OrderCompleted.self) { _, context in
                let quantity = try await Self.reserved(context)
                return Changes {
                    $0.increment("stock", "reserved", by: -quantity)
                    $0.increment("stock", "shipped", by: quantity)
                }
            }
        }
    }

    private static func reserved(_ context: StepContext) async throws -> Int {
        let fields = try await context.records.fields(of: "reservation:\(context.sagaID)")
        return fields["count"].flatMap { Int($0) } ?? 0
    }

    var shipping: Participant {
        Participant("shipping") {
            Step(
                "arrange", on: ProductReserved.self, emits: ShipmentArranged.self,
                orElse: { failure, _ in
                    Transition(ShippingFailed(reason: failure.reason, detail: failure.detail))
                },
                perform: { [carrier] reserved, context in
                    if reserved.country == "AQ" { throw BusinessFailure("country_not_served") }
                    try await carrier.act(context.idempotencyKey)
                    return Transition(ShipmentArranged())
                }
            )
            .compensated(
                by: [OrderCancellationRequested.self],
                emits: ShipmentCancelled.self,
                nothingToUndo: { _ in Transition(ShipmentCancelled()) },
                undo: { [carrier] context in
                    try await carrier.undo(context.idempotencyKey)
                    return Transition(ShipmentCancelled())
                }
            )
            .finished(by: OrderCompleted.self, emits: ShipmentDispatched.self) {
                [dispatch] _, context in
                try await dispatch.act(context.idempotencyKey(for: "dispatch"))
                return Transition(ShipmentDispatched())
            }
        }
    }

    var all: [Participant] { [order, payment, inventory, shipping] }
}
