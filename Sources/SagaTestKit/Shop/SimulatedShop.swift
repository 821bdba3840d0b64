import Saga

/// The shop on companies that a seed decides, where only gifts are wrapped, and downloads, which go
/// to no country, are not shipped.
///
///     charge ─▶ reserve ─▶ wrap, when it is a gift ─▶ arrange, when it is shipped ─▶ completed
///                  └───────────────────────────────▶
///
/// Payments take part in another route beside it, of renewals, which have the same IDs and say the
/// same events:
///
///     charge ─▶ renewed
struct SimulatedShop: SimulatedTrade {
    private let bank: SimulatedCompany
    private let carrier: SimulatedCompany
    private let dispatch: SimulatedCompany

    /// One that is called seldom, and counts as down soon.
    private static let slowBank = OutsideCompany(
        "bank", callsPerSecond: 20, opensAfter: 3, pauses: .milliseconds(200) ... .seconds(3))

    private let hasBooks: Bool
    private let asksTheBank: Bool
    private let isRenewing: Bool
    private let charge: Leg<OrderCreated, PaymentProcessed, PaymentFailed, PaymentRefunded>
    private let arrange:
        Leg<(ProductReserved, GiftWrapped?), ShipmentArranged, ShippingFailed, ShipmentCancelled>
    private let dispatching: FinishingLeg<OrderCompleted, ShipmentDispatched>
    private let way: Route
    private let renew: Leg<RenewalAsked, PaymentProcessed, PaymentFailed, PaymentRefunded>
    private let renewalWay: Route
    private static let wrap = Leg(
        "wrap", by: "inventory", on: ProductReserved.self, emits: GiftWrapped.self,
        orElse: WrappingFailed.self, undone: GiftUnwrapped.self, actsOutside: false
    )
    .when("gift", otherwise: WrappingSkipped.self) { $0.isGift == true }
    private static let handOver = FinishingLeg(
        of: wrap, on: OrderCompleted.self, emits: GiftHandedOver.self)
    private static let ends = RouteOwner(
        "order", begins: OrderCreated.self, completes: OrderCompleted.self,
        on: ShipmentArranged?.self, cancelled: OrderCancelled.self,
        request: OrderCancellationRequested.self)

    /// - Parameters:
    ///   - hasBooks: whether the companies' books are compared with the ledgers.
    ///   - asksTheBank: whether the bank is asked, when nobody knows whether it has charged.
    ///   - isRenewing: whether there are renewals at all.
    init(
        _ companies: SimulatedCompanies, hasBooks: Bool, asksTheBank: Bool, isRenewing: Bool
    ) {
        self.asksTheBank = asksTheBank
        self.isRenewing = isRenewing
        bank = companies.bank
        carrier = companies.carrier
        dispatch = companies.dispatch
        self.hasBooks = hasBooks
        let charge =
            hasBooks ? ShopRoute.charge.asking(by: PaymentUnclaimed.self) : ShopRoute.charge
        let shipped = Leg(
            "arrange", by: "shipping", on: ProductReserved.self, GiftWrapped?.self,
            emits: ShipmentArranged.self, orElse: ShippingFailed.self,
            undone: ShipmentCancelled.self
        )
        .when("shipped", otherwise: ShippingSkipped.self) { reserved, _ in
            !reserved.country.isEmpty
        }
        let arrange = hasBooks ? shipped.asking(by: ShipmentUnclaimed.self) : shipped
        let dispatching = FinishingLeg(
            of: arrange, on: OrderCompleted.self, emits: ShipmentDispatched.self)
        let paid = RenewalRoute.charge
        let renew = hasBooks ? paid.asking(by: PaymentUnclaimed.self) : paid
        self.renew = renew
        renewalWay = Route("renewal", owner: RenewalRoute.ends) { renew }
        self.charge = charge
        self.arrange = arrange
        self.dispatching = dispatching
        way = Route(Self.name, owner: Self.ends) {
            charge
            ShopRoute.reserve
            Self.wrap
            arrange
            ShopRoute.ship
            Self.handOver
            dispatching
        }
    }

    private static let name = "saga"
    var route: String { Self.name }

    private var order: Participant {
        Participant(way, "order") {
            Oversee(Self.ends, deadline: .seconds(30)) { _, _ in Transition(OrderCompleted()) }
        }
    }

    private var payment: Participant {
        let ask = UnknownOutcome<OrderCreated, PaymentProcessed>.askFirst { [bank] order, context in
            switch try await bank.hasActed(context.idempotencyKey) {
            case nil: .cannotSay
            case false?: .didNotAct
            case true?:
                .acted(
                    Transition(
                        PaymentProcessed(
                            country: order.country, quantity: order.quantity,
                            isGift: order.isGift)))
            }
        }
        let step = Perform(
            charge, giveUpAfter: asksTheBank ? .milliseconds(300) : nil,
            calls: asksTheBank ? Self.slowBank : nil,
            whenUnknown: asksTheBank ? ask : .compensate
        ) {
            [bank] order, context in
            if order.card == "declined" { try await bank.refuse("card_declined") }
            try await bank.act(context.idempotencyKey)
            return Transition(
                PaymentProcessed(
                    country: order.country, quantity: order.quantity, isGift: order.isGift))
        } undo: { [bank] context in
            try await bank.undo(
                context.idempotencyKey, under: context.idempotencyKey(for: "refund"))
        }
        let payment = Participant(way, "payment") {
            hasBooks ? step.reconciled(with: bank) : step
        }
        guard isRenewing else { return payment }
        let renewed = Perform(renew) { [bank] _, context in
            try await bank.act(context.idempotencyKey)
            return Transition(PaymentProcessed())
        } undo: { [bank] context in
            try await bank.undo(
                context.idempotencyKey, under: context.idempotencyKey(for: "refund"))
        }
        return payment.also(on: renewalWay) {
            hasBooks ? renewed.reconciled(with: bank) : renewed
        }
    }

    private var renewal: Participant {
        Participant(renewalWay, "renewal") {
            Oversee(RenewalRoute.ends, deadline: .seconds(30)) { _, _ in Transition(RenewalDone()) }
        }
    }

    private var inventory: Participant {
        Participant(way, "inventory") {
            Perform(ShopRoute.reserve) { payment, context in
                let reserved = ProductReserved(country: payment.country, isGift: payment.isGift)
                return Transition(reserved) {
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
            Perform(Self.wrap) { _, _ in
                Transition(GiftWrapped()) { $0.increment("stock", "wrapped", by: 1) }
            } undo: { _ in
                Transition(GiftUnwrapped()) { $0.increment("stock", "wrapped", by: -1) }
            }
            .finish(Self.handOver) { _, _ in
                Transition(GiftHandedOver()) {
                    $0.increment("stock", "wrapped", by: -1)
                    $0.increment("stock", "given", by: 1)
                }
            }
        }
    }

    private static func reserved(_ context: StepContext) async throws -> Int {
        let fields = try await context.records.fields(of: "reservation:\(context.sagaID)")
        return fields["count"].flatMap { Int($0) } ?? 0
    }

    private var shipping: Participant {
        let step = Perform(arrange) { [carrier] input, context in
            if input.0.country == "AQ" { try await carrier.refuse("country_not_served") }
            try await carrier.act(context.idempotencyKey)
            return Transition(ShipmentArranged())
        } undo: { [carrier] context in
            if PlantedFault.isPlanted(.undoIsImpossible) { return }
            try await carrier.undo(
                context.idempotencyKey, under: context.idempotencyKey(for: "cancel"))
        }
        .finish(dispatching) { [dispatch] _, context in
            try await dispatch.act(context.idempotencyKey(for: "dispatch"))
            return Transition(ShipmentDispatched())
        }
        return Participant(way, "shipping") { hasBooks ? step.reconciled(with: carrier) : step }
    }

    var participants: [Participant] {
        [order, payment, inventory, shipping] + (isRenewing ? [renewal] : [])
    }

    // MARK: - What clients want

    func begin(_ order: SimulatedOrder, on runtime: SagaRuntime) async throws {
        let event = OrderCreated(
            card: order.isDeclined ? "declined" : "good", country: order.country,
            quantity: order.quantity, isGift: order.isGift)
        _ = try await runtime.begin(order.id, event)
    }

    var hasDownloads: Bool { true }

    var renewals: String? { isRenewing ? renewalWay.name : nil }

    func renew(_ id: String, on runtime: SagaRuntime) async throws {
        _ = try await runtime.begin(id, RenewalAsked())
    }

    // MARK: - Its stock

    var stock: RecordName { "stock" }

    func stockUp(_ count: Int, in data: inout MemoryData) {
        data.set("inventory", stock, .hash(["available": "\(count)"]))
    }

    func furtherStock(of completed: [SimulatedOrder]) -> [String: Int] {
        ["wrapped": 0, "given": completed.count { $0.isGift }]
    }

    /// Its records are of the stock alone.
    func faults(
        of order: SimulatedOrder, isCompleted: Bool, mayBeForgotten: Bool, in data: MemoryData
    ) -> [String] { [] }
}
