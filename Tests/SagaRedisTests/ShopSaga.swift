import Saga
import SagaTestKit
import Synchronization

// The shop with a world outside that keeps its own books.

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
            try await Task.sleep(for: .seconds(3_600))
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
        Participant(ShopRoute.route, "order") {
            Oversee(ShopRoute.ends, deadline: deadline) { _, context in
                Transition(OrderCompleted()) {
                    $0.set("order:\(context.sagaID)", ["status": "completed"])
                }
            }
            .cancelling { failure, context in
                Changes {
                    $0.set(
                        "order:\(context.sagaID)",
                        ["status": "cancelling", "reason": failure.reason])
                }
            }
            .cancelled { _, context in
                Changes { $0.set("order:\(context.sagaID)", ["status": "cancelled"]) }
            }
        }
    }

    var payment: Participant {
        Participant(ShopRoute.route, "payment") {
            Perform(ShopRoute.charge) { [world] order, context in
                switch order.card {
                case "declined": throw BusinessFailure("card_declined", "no cover")
                case "hangs": try await Task.sleep(for: .seconds(3_600))
                case "late":
                    // It is told to stop, and goes on.
                    try? await Task.sleep(for: .seconds(3_600))
                    try world.act("charge", context.idempotencyKey)
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
            } undo: { [world] context in
                try await world.undo("charge", context.idempotencyKey)
                return Transition(PaymentRefunded()) {
                    $0.set("payment:\(context.sagaID)", ["status": "refunded"])
                }
            }
            .onFailure { _, context in
                Changes { $0.set("payment:\(context.sagaID)", ["status": "failed"]) }
            }
        }
    }

    var inventory: Participant {
        Participant(ShopRoute.route, "inventory") {
            Perform(ShopRoute.reserve) { payment, context in
                Transition(ProductReserved(country: payment.country)) {
                    $0.require(
                        "stock:1", "available", atLeast: payment.quantity,
                        orElse: BusinessFailure("out_of_stock"))
                    $0.increment("stock:1", "available", by: -payment.quantity)
                    $0.increment("stock:1", "reserved", by: payment.quantity)
                    $0.set("reservation:\(context.sagaID)", ["quantity": "\(payment.quantity)"])
                }
            } undo: { context in
                let quantity = try await Self.reserved(context)
                return Transition(ProductReleased()) {
                    $0.increment("stock:1", "available", by: quantity)
                    $0.increment("stock:1", "reserved", by: -quantity)
                }
            }
            .finish(ShopRoute.ship) { _, context in
                let quantity = try await Self.reserved(context)
                return Transition(ProductShipped()) {
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
        Participant(ShopRoute.route, "shipping") {
            Perform(ShopRoute.arrange) { [world] reserved, context in
                if reserved.country == "AQ" { throw BusinessFailure("country_not_served") }
                try world.act("arrange", context.idempotencyKey)
                return Transition(ShipmentArranged())
            } undo: { [world] context in
                try await world.undo("arrange", context.idempotencyKey)
                return Transition(ShipmentCancelled())
            }
            .finish(ShopRoute.dispatch) { [world] _, context in
                try world.act("dispatch", context.idempotencyKey)
                return Transition(ShipmentDispatched())
            }
        }
    }

    var all: [Participant] { [order, payment, inventory, shipping] }
}
