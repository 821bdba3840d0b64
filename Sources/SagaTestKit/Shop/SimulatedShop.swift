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

    private static let charge = ShopRoute.charge.asking(by: PaymentUnclaimed.self)
    private static let arrange = ShopRoute.arrange.asking(by: ShipmentUnclaimed.self)
    private static let route = Route("saga", owner: ShopRoute.ends) {
        charge
        ShopRoute.reserve
        arrange
        ShopRoute.ship
        ShopRoute.dispatch
    }

    init(_ simulation: Simulation) {
        bank = SimulatedCompany(simulation)
        let dispatch = SimulatedCompany(simulation)
        self.dispatch = dispatch
        carrier = SimulatedCompany(simulation) { dispatch.stands($0 + ":dispatch") }
    }

    var order: Participant {
        Participant(Self.route, "order") {
            Oversee(ShopRoute.ends, deadline: .seconds(30)) { _, _ in Transition(OrderCompleted()) }
        }
    }

    var payment: Participant {
        Participant(Self.route, "payment") {
            Perform(Self.charge) { [bank] order, context in
                if order.card == "declined" { throw BusinessFailure("card_declined") }
                try await bank.act(context.idempotencyKey)
                return Transition(
                    PaymentProcessed(country: order.country, quantity: order.quantity))
            } undo: { [bank] context in
                try await bank.undo(context.idempotencyKey)
            }
            .reconciled(with: bank)
        }
    }

    var inventory: Participant {
        Participant(Self.route, "inventory") {
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
        Participant(Self.route, "shipping") {
            Perform(Self.arrange) { [carrier] reserved, context in
                if reserved.country == "AQ" { throw BusinessFailure("country_not_served") }
                try await carrier.act(context.idempotencyKey)
                return Transition(ShipmentArranged())
            } undo: { [carrier] context in
                try await carrier.undo(context.idempotencyKey)
            }
            .reconciled(with: carrier)
            .finish(ShopRoute.dispatch) { [dispatch] _, context in
                try await dispatch.act(context.idempotencyKey(for: "dispatch"))
                return Transition(ShipmentDispatched())
            }
        }
    }

    var all: [Participant] { [order, payment, inventory, shipping] }
}
