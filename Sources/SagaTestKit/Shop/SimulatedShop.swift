import Saga

struct PaymentUnclaimed: UnclaimedEvent {
    static let owner = "payment"
    var key: String
    var isFinal: Bool
    var count: Int
}
struct ShipmentUnclaimed: UnclaimedEvent {
    static let owner = "shipping"
    var key: String
    var isFinal: Bool
    var count: Int
}

/// The shop on companies that a seed decides.
struct SimulatedShop: Sendable {
    let bank: SimulatedCompany
    let carrier: SimulatedCompany
    let dispatch: SimulatedCompany

    private let hasBooks: Bool
    private let asksTheBank: Bool
    private let charge: Leg<OrderCreated, PaymentProcessed, PaymentFailed, PaymentRefunded>
    private let arrange: Leg<ProductReserved, ShipmentArranged, ShippingFailed, ShipmentCancelled>
    private let route: Route

    /// - Parameters:
    ///   - hasBooks: whether the companies' books are compared with the ledgers.
    ///   - asksTheBank: whether the bank is asked, when nobody knows whether it has charged.
    init(_ simulation: Simulation, hasBooks: Bool, asksTheBank: Bool) {
        self.asksTheBank = asksTheBank
        bank = SimulatedCompany(simulation)
        let dispatch = SimulatedCompany(simulation)
        self.dispatch = dispatch
        carrier = SimulatedCompany(simulation) { dispatch.stands($0 + ":dispatch") }
        self.hasBooks = hasBooks
        let charge =
            hasBooks ? ShopRoute.charge.asking(by: PaymentUnclaimed.self) : ShopRoute.charge
        let arrange =
            hasBooks ? ShopRoute.arrange.asking(by: ShipmentUnclaimed.self) : ShopRoute.arrange
        self.charge = charge
        self.arrange = arrange
        route = Route("saga", owner: ShopRoute.ends) {
            charge
            ShopRoute.reserve
            arrange
            ShopRoute.ship
            ShopRoute.dispatch
        }
    }

    /// Whether no call is on its way any more that nobody waits for.
    var isAtRest: Bool { bank.isAtRest && carrier.isAtRest && dispatch.isAtRest }

    var order: Participant {
        Participant(route, "order") {
            Oversee(ShopRoute.ends, deadline: .seconds(30)) { _, _ in Transition(OrderCompleted()) }
        }
    }

    var payment: Participant {
        let ask = UnknownOutcome<OrderCreated, PaymentProcessed>.askFirst { [bank] order, context in
            switch try await bank.hasActed(context.idempotencyKey) {
            case nil: .cannotSay
            case false?: .didNotAct
            case true?:
                .acted(
                    Transition(PaymentProcessed(country: order.country, quantity: order.quantity)))
            }
        }
        let step = Perform(charge, whenUnknown: asksTheBank ? ask : .compensate) {
            [bank] order, context in
            if order.card == "declined" { try await bank.refuse("card_declined") }
            try await bank.act(context.idempotencyKey)
            return Transition(PaymentProcessed(country: order.country, quantity: order.quantity))
        } undo: { [bank] context in
            try await bank.undo(
                context.idempotencyKey, under: context.idempotencyKey(for: "refund"))
        }
        return Participant(route, "payment") { hasBooks ? step.reconciled(with: bank) : step }
    }

    var inventory: Participant {
        Participant(route, "inventory") {
            Perform(ShopRoute.reserve) { payment, context in
                Transition(ProductReserved(country: payment.country)) {
                    $0.require(
                        "stock", "available", atLeast: payment.quantity,
                        orElse: BusinessFailure("out_of_stock"))
                    $0.increment("stock", "available", by: -payment.quantity)
                    $0.increment("stock", "reserved", by: payment.quantity)
                    $0.set("reservation:\(context.sagaID)", ["count": "\(payment.quantity)"])
                }
            } undo: { context in
                let quantity = try await Self.reserved(context)
                return Transition(ProductReleased()) {
                    $0.increment("stock", "available", by: quantity)
                    $0.increment("stock", "reserved", by: -quantity)
                }
            }
            .finish(ShopRoute.ship) { _, context in
                let quantity = try await Self.reserved(context)
                return Transition(ProductShipped()) {
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
        let step = Perform(arrange) { [carrier] reserved, context in
            if reserved.country == "AQ" { try await carrier.refuse("country_not_served") }
            try await carrier.act(context.idempotencyKey)
            return Transition(ShipmentArranged())
        } undo: { [carrier] context in
            if PlantedFault.isPlanted(.undoIsImpossible) { return }
            try await carrier.undo(
                context.idempotencyKey, under: context.idempotencyKey(for: "cancel"))
        }
        .finish(ShopRoute.dispatch) { [dispatch] _, context in
            try await dispatch.act(context.idempotencyKey(for: "dispatch"))
            return Transition(ShipmentDispatched())
        }
        return Participant(route, "shipping") { hasBooks ? step.reconciled(with: carrier) : step }
    }

    var all: [Participant] { [order, payment, inventory, shipping] }
}
