import CloudEvents
import Saga
import Synchronization

// A shop of four participants for tests, with a world outside that keeps its own books.

struct OrderCreated: SagaEvent {
    static let owner = "order"
    var card = "good"
    var country = "DE"
    var quantity = 1
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

struct Accident: Error {}

/// The payment company and the carrier: what is done by a key, and undone, they know for good.
final class World: Sendable {
    struct Book {
        var done: Set<String> = []
        var voided: Set<String> = []
        var calls = 0
    }

    private let books = Mutex<[String: Book]>([:])
    private let failing = Mutex<Set<String>>([])

    func isDone(_ book: String, _ key: String) -> Bool {
        books.withLock { $0[book]?.done.contains(key) ?? false }
    }

    func wasUndone(_ book: String, _ key: String) -> Bool {
        books.withLock { $0[book]?.voided.contains(key) ?? false }
    }

    func calls(_ book: String) -> Int { books.withLock { $0[book]?.calls ?? 0 } }

    func done(_ book: String) -> Set<String> { books.withLock { $0[book]?.done ?? [] } }

    func fail(_ what: String, _ fails: Bool = true) {
        failing.withLock { failing in
            if fails { failing.insert(what) } else { failing.remove(what) }
        }
    }

    /// Does it once by its key; refuses a key that was undone.
    @discardableResult
    func act(_ book: String, _ key: String) throws -> Int {
        if failing.withLock({ $0.contains(book) }) { throw Accident() }
        return try books.withLock { books in
            books[book, default: Book()].calls += 1
            if books[book]?.voided.contains(key) ?? false { throw Accident() }
            books[book]?.done.insert(key)
            return books[book]?.calls ?? 0
        }
    }

    func undo(_ book: String, _ key: String) async throws {
        if failing.withLock({ $0.contains("undo \(book) hangs") }) {
            try await Task.sleep(for: .seconds(3600))
        }
        if failing.withLock({ $0.contains("undo " + book) }) { throw Accident() }
        books.withLock { books in
            books[book, default: Book()].done.remove(key)
            books[book]?.voided.insert(key)
        }
    }
}

struct ShopSaga: Sendable {
    let world = World()
    var deadline: Duration = .seconds(30)

    var order: Participant {
        Participant("order") {
            Lifecycle(
                begins: OrderCreated.self, deadline: deadline,
                answers: [
                    "payment": [PaymentFailed.self, PaymentRefunded.self],
                    "inventory": [ProductReservationFailed.self, ProductReleased.self],
                    "shipping": [ShippingFailed.self, ShipmentCancelled.self],
                ]
            )
            .completes(on: ShipmentArranged.self, emits: OrderCompleted.self) { _, context in
                Transition(OrderCompleted()) {
                    $0.set("order:\(context.sagaID)", ["status": "completed"])
                }
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
            .cancelling { failure, context in
                Changes {
                    $0.set(
                        "order:\(context.sagaID)",
                        ["status": "cancelling", "reason": failure.reason])
                }
            }
            .cancelled(emits: OrderCancelled.self) { failure, context in
                Transition(OrderCancelled(reason: failure.reason)) {
                    $0.set("order:\(context.sagaID)", ["status": "cancelled"])
                }
            }
        }
    }

    var payment: Participant {
        Participant("payment") {
            Step(
                "charge", on: OrderCreated.self, emits: PaymentProcessed.self,
                orElse: { failure, context in
                    Transition(PaymentFailed(reason: failure.reason, detail: failure.detail)) {
                        $0.set("payment:\(context.sagaID)", ["status": "failed"])
                    }
                },
                perform: { [world] order, context in
                    switch order.card {
                    case "declined": throw BusinessFailure("card_declined", "no cover")
                    case "hangs": try await Task.sleep(for: .seconds(3600))
                    case "flaky" where context.attempt < 3: throw Accident()
                    case "declined later":
                        if context.attempt > 1 { throw BusinessFailure("card_declined") }
                        try world.act("charge", context.idempotencyKey)
                        throw Accident()
                    case "in vain":
                        try world.act("charge", context.idempotencyKey)
                        return Transition(PaymentProcessed(country: "DE", quantity: 1)) {
                            $0.requireExists("permit:1", orElse: BusinessFailure("no_permit"))
                        }
                    case "silent":
                        try world.act("charge", context.idempotencyKey)
                        throw Accident()
                    default: try world.act("charge", context.idempotencyKey)
                    }
                    let event = PaymentProcessed(country: order.country, quantity: order.quantity)
                    return Transition(event) {
                        $0.set("payment:\(context.sagaID)", ["status": "charged"])
                    }
                }
            )
            .compensated(
                by: [
                    ProductReservationFailed.self, ShippingFailed.self,
                    OrderCancellationRequested.self,
                ],
                emits: PaymentRefunded.self,
                nothingToUndo: { _ in Transition(PaymentRefunded()) },
                undo: { [world] context in
                    try await world.undo("charge", context.idempotencyKey)
                    return Transition(PaymentRefunded()) {
                        $0.set("payment:\(context.sagaID)", ["status": "refunded"])
                    }
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
                            "stock:1", "available", atLeast: payment.quantity,
                            orElse: BusinessFailure("out_of_stock"))
                        $0.increment("stock:1", "available", by: -payment.quantity)
                        $0.increment("stock:1", "reserved", by: payment.quantity)
                        $0.set(
                            "reservation:\(context.sagaID)", ["quantity": "\(payment.quantity)"])
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
                        $0.increment("stock:1", "available", by: quantity)
                        $0.increment("stock:1", "reserved", by: -quantity)
                    }
                }
            )
            .finished(by: OrderCompleted.self) { _, context in
                let quantity = try await Self.reserved(context)
                return Changes {
                    $0.increment("stock:1", "reserved", by: -quantity)
                    $0.increment("stock:1", "shipped", by: quantity)
                }
            }
        }
    }

    private static func reserved(_ context: StepContext) async throws -> Int {
        let fields = try await context.records.fields(of: "reservation:\(context.sagaID)")
        return fields["quantity"].flatMap { Int($0) } ?? 0
    }

    var shipping: Participant {
        Participant("shipping") {
            Step(
                "arrange", on: ProductReserved.self, emits: ShipmentArranged.self,
                orElse: { failure, _ in
                    Transition(ShippingFailed(reason: failure.reason, detail: failure.detail))
                },
                perform: { [world] reserved, context in
                    if reserved.country == "AQ" { throw BusinessFailure("country_not_served") }
                    try world.act("arrange", context.idempotencyKey)
                    return Transition(ShipmentArranged())
                }
            )
            .compensated(
                by: [OrderCancellationRequested.self],
                emits: ShipmentCancelled.self,
                nothingToUndo: { _ in Transition(ShipmentCancelled()) },
                undo: { [world] context in
                    try await world.undo("arrange", context.idempotencyKey)
                    return Transition(ShipmentCancelled())
                }
            )
            .finished(by: OrderCompleted.self, emits: ShipmentDispatched.self) {
                [world] _, context in
                try world.act("dispatch", context.idempotencyKey)
                return Transition(ShipmentDispatched())
            }
        }
    }

    var all: [Participant] { [order, payment, inventory, shipping] }
}
