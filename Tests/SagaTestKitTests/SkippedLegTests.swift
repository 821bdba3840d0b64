import CloudEvents
import Saga
import SagaTestKit
import Synchronization
import Testing

/// A shop in which downloads are not shipped, and only gifts are wrapped.
private struct Shop {
    let calls = Calls()

    final class Calls: Sendable {
        private let calls = Mutex<[String]>([])
        var all: [String] { calls.withLock { $0 } }
        func note(_ call: String) { calls.withLock { $0.append(call) } }

        private let look = Mutex<@Sendable () -> Void>({})
        func whenUndoing(_ body: @escaping @Sendable () -> Void) { look.withLock { $0 = body } }
        func undoes() {
            look.withLock { $0 }()
            note("undo")
        }
    }

    static let wrap = Leg(
        "wrap", by: "inventory", on: ProductReserved.self, emits: GiftWrapped.self,
        orElse: WrappingFailed.self, undone: GiftUnwrapped.self, actsOutside: false
    )
    .when("gift", otherwise: WrappingSkipped.self) { $0.isGift == true }
    static let arrange = Leg(
        "arrange", by: "shipping", on: ProductReserved.self, GiftWrapped?.self,
        emits: ShipmentArranged.self, orElse: ShippingFailed.self, undone: ShipmentCancelled.self
    )
    .when("shipped", otherwise: ShippingSkipped.self) { reserved, _ in !reserved.country.isEmpty }
    static let dispatch = FinishingLeg(
        of: arrange, on: OrderCompleted.self, emits: ShipmentDispatched.self)
    static let ends = RouteOwner(
        "order", begins: OrderCreated.self, completes: OrderCompleted.self,
        on: ShipmentArranged?.self, cancelled: OrderCancelled.self,
        request: OrderCancellationRequested.self)
    static let route = Route("saga", owner: ends) {
        ShopRoute.charge
        ShopRoute.reserve
        wrap
        arrange
        dispatch
    }

    static let order = Participant(route, "order") {
        Oversee(ends, deadline: .seconds(30)) { arranged, context in
            Transition(OrderCompleted()) {
                let text = arranged == nil ? "nothing" : "a parcel"
                $0.set("order:\(context.sagaID)", ["shipped": text])
            }
        }
    }
    static let payment = Participant(route, "payment") {
        Perform(ShopRoute.charge) { order, _ in
            let (country, count) = (order.country, order.quantity)
            return Transition(
                PaymentProcessed(country: country, quantity: count, isGift: order.isGift))
        } undo: { _ in
        }
    }
    static let inventory = Participant(route, "inventory") {
        Perform(ShopRoute.reserve) { paid, _ in
            Transition(ProductReserved(country: paid.country, isGift: paid.isGift))
        } undo: { _ in
        }
        Perform(wrap) { _, _ in
            Transition(GiftWrapped())
        } undo: { _ in
        }
    }
    var shipping: Participant {
        Participant(Self.route, "shipping") {
            Perform(Self.arrange) { [calls] input, _ in
                calls.note(input.1 == nil ? "arrange" : "arrange a gift")
                return Transition(ShipmentArranged())
            } undo: { [calls] _ in
                calls.undoes()
            }
            .finish(Self.dispatch) { [calls] _, _ in
                calls.note("dispatch")
                return Transition(ShipmentDispatched())
            }
        }
    }

    /// Shipping that needs its leg for no order, and does something whenever it finds that out.
    func shipping(whenAsked look: @escaping @Sendable () -> Void) -> Participant {
        let arrange = Leg(
            "arrange", by: "shipping", on: ProductReserved.self, emits: ShipmentArranged.self,
            orElse: ShippingFailed.self, undone: ShipmentCancelled.self
        )
        .when("shipped", otherwise: ShippingSkipped.self) { _ in
            look()
            return false
        }
        let ends = RouteOwner(
            "order", begins: OrderCreated.self, completes: OrderCompleted.self,
            on: ShipmentArranged?.self, cancelled: OrderCancelled.self,
            request: OrderCancellationRequested.self)
        let route = Route("saga", owner: ends) {
            ShopRoute.charge
            ShopRoute.reserve
            arrange
        }
        return Participant(route, "shipping") {
            Perform(arrange) { _, _ in
                Transition(ShipmentArranged())
            } undo: { [calls] _ in
                calls.note("undo")
            }
        }
    }

    /// Shipping of a version that ships everything, and whose process does not live to note it.
    var always: Participant {
        let arrange = Leg(
            "arrange", by: "shipping", on: ProductReserved.self, emits: ShipmentArranged.self,
            orElse: ShippingFailed.self, undone: ShipmentCancelled.self)
        let route = Route("saga", owner: ShopRoute.ends) {
            ShopRoute.charge
            ShopRoute.reserve
            arrange
        }
        return Participant(route, "shipping") {
            Perform(arrange) { [calls] _, _ in
                calls.note("arrange")
                // Far beyond what a test waits for.
                try await Task.sleep(for: .seconds(3_600))
                return Transition(ShipmentArranged())
            } undo: { _ in
            }
        }
    }

    /// Shipping of a version whose leg has lost its condition.
    static let unconditional = Participant(ShopRoute.route, "shipping") {
        Perform(ShopRoute.arrange) { _, _ in
            Transition(ShipmentArranged())
        } undo: { _ in
        }
        .finish(ShopRoute.dispatch) { _, _ in Transition(ShipmentDispatched()) }
    }

    var all: [Participant] { [Self.order, Self.payment, Self.inventory, shipping] }
}

/// A leg that a saga does not need does nothing, and answers like all others.
@Suite(.timeLimit(.minutes(1)))
struct SkippedLegTests {
    @Test func whatIsNotNeededIsNotDoneAndTheSagaGoesOn() async throws {
        let shop = Shop()
        let rehearsal = try SagaRehearsal(shop.all)
        try await rehearsal.begin("1", OrderCreated(country: ""))

        #expect(try await rehearsal.ending(of: "1") == .completed)

        try await rehearsal.settle()
        #expect(shop.calls.all == [])
        #expect(rehearsal.events(of: "1").contains("ShippingSkipped"))
        #expect(!rehearsal.events(of: "1").contains("ShipmentArranged"))
        #expect(
            try await rehearsal.records(of: "order").fields(of: "order:1")["shipped"] == "nothing")
        let ledger = rehearsal.server.contents.ledger("shipping", "1")
        let entry = LedgerEntry(ledger["arrange"] ?? "")
        #expect(entry.state == "skipped")
        #expect(entry.note == "shipped")
    }

    /// The owner waits for nobody, and no ledger stays for ever.
    @Test func aSagaInWhichALegWasNotNeededEndsForAll() async throws {
        let rehearsal = try SagaRehearsal(Shop().all)
        try await rehearsal.begin("1", OrderCreated(country: ""))
        try await rehearsal.settle()

        let contents = rehearsal.server.contents
        #expect(contents.ledger("order", "1")["end"] == "completed")
        #expect(contents.ledger("shipping", "1")["end"] == "completed")
        #expect(contents.ending == ["order:1", "payment:1", "inventory:1", "shipping:1"])
        #expect(contents.timers["order"] == [:])
        #expect(rehearsal.letters == [])
    }

    @Test(arguments: [true, false])
    func whatWaitsForALegThatWasNotNeededGoesOnWithout(_ isGift: Bool) async throws {
        let shop = Shop()
        let rehearsal = try SagaRehearsal(shop.all)
        try await rehearsal.begin("1", OrderCreated(isGift: isGift))

        #expect(try await rehearsal.ending(of: "1") == .completed)

        try await rehearsal.settle()
        #expect(shop.calls.all == [isGift ? "arrange a gift" : "arrange", "dispatch"])
        #expect(
            try await rehearsal.records(of: "order").fields(of: "order:1")["shipped"]
                == "a parcel")
    }

    @Test func whoWasNotNeededAnswersThatNothingIsToUndo() async throws {
        let (shop, rehearsal) = try await skipped()

        for _ in 0..<2 {
            try await rehearsal.say(OrderCancellationRequested(reason: "r"), of: "1")
            try await rehearsal.settle()
        }

        let answers = said("ShipmentCancelled", rehearsal)
        #expect(answers.count == 2 && Set(answers.map(\.id)).count == 1)
        #expect(answers.first?.id != said("ShippingSkipped", rehearsal).first?.id)
        #expect(shop.calls.all == [])
        #expect(state(rehearsal) == "tombstone")
    }

    /// The failure of a leg beside or behind it, or a client, cancels a saga as always.
    @Test func aSagaInWhichALegWasNotNeededIsCancelledAsAlways() async throws {
        let rehearsal = try SagaRehearsal(Shop.order, Shop.payment, Shop.inventory)
        try await rehearsal.begin("1", OrderCreated())
        try await rehearsal.settle()
        try await rehearsal.say(ShippingFailed(reason: "no_van"), of: "1")

        #expect(try await rehearsal.ending(of: "1") == .cancelled)
        #expect(rehearsal.events(of: "1").contains("WrappingSkipped"))
        #expect(rehearsal.events(of: "1").contains("GiftUnwrapped"))
        #expect(rehearsal.letters == [])
    }

    @Test func askedToFinishItSaysAgainThatItWasNotNeeded() async throws {
        let (shop, rehearsal) = try await skipped()

        for _ in 0..<2 {
            try await rehearsal.say(OrderCompleted(), of: "1")
            try await rehearsal.settle()
        }

        let said = said("ShippingSkipped", rehearsal)
        #expect(said.count == 3 && Set(said.map(\.id)).count == 1)
        #expect(shop.calls.all == [])
        #expect(state(rehearsal) == "skipped")
    }

    @Test func whatIsSaidTwiceIsSkippedOnce() async throws {
        let (_, rehearsal) = try await skipped()

        try await rehearsal.say(ProductReserved(country: ""), of: "1")
        try await rehearsal.say(WrappingSkipped(), of: "1")
        try await rehearsal.settle()

        #expect(said("ShippingSkipped", rehearsal).count == 1)
        #expect(state(rehearsal) == "skipped")
    }

    @Test func whatIsCancelledBeforeIsNotSkippedAfterwards() async throws {
        let rehearsal = try SagaRehearsal(Shop().shipping)
        try await rehearsal.say(OrderCancellationRequested(reason: "r"), of: "1")
        try await rehearsal.settle()
        try await rehearsal.say(ProductReserved(country: ""), of: "1")
        try await rehearsal.say(WrappingSkipped(), of: "1")
        try await rehearsal.settle()

        #expect(said("ShippingSkipped", rehearsal).isEmpty)
        #expect(said("ShipmentCancelled", rehearsal).count == 1)
        #expect(state(rehearsal) == "tombstone")
    }

    /// A version of the service that ships everything has called the carrier, and died.
    @Test func whatAnotherVersionMayHaveDoneIsUndoneFirst() async throws {
        let (shop, rig) = (Shop(), try TripRig())
        try say(WrappingSkipped(), rig)
        try say(ProductReserved(country: ""), rig)

        try await rig.running([shop.always]) {
            try await rig.until("it is arranged") { shop.calls.all == ["arrange"] }
        }
        #expect(rig.server.contents.events("ShipmentArranged", owner: "shipping").isEmpty)
        // Or that process, which only stood still, might yet write that it is done.
        let said = Mutex<[String]>([])
        shop.calls.whenUndoing { [server = rig.server] in
            let entry = LedgerEntry(server.contents.ledger("shipping", "1")["arrange"] ?? "")
            said.withLock { $0.append(entry.state) }
        }
        try await rig.running([shop.shipping]) {
            try await rig.until("it is skipped") {
                rig.server.contents.events("ShippingSkipped", owner: "shipping").count == 1
            }
        }

        #expect(shop.calls.all == ["arrange", "undo"])
        #expect(said.withLock { $0 } == ["unknown"])
    }

    /// What undoes it came in between, and knew of nothing to undo.
    @Test func whatAnotherVersionMayHaveDoneIsUndoneWhereItIsATombstoneByNow() async throws {
        let (shop, rig) = (Shop(), try TripRig())
        try say(ProductReserved(country: ""), rig)
        try await rig.running([shop.always]) {
            try await rig.until("it is arranged") { shop.calls.all == ["arrange"] }
        }

        let shipping = shop.shipping { [server = rig.server] in
            try? server.change { data throws(SagaError) in
                let tombstone = LedgerEntry(state: "tombstone", eventID: "1", note: "")
                data.ledgers["shipping:1"] = ["arrange": tombstone.text]
            }
        }
        try await rig.running([shipping]) {
            try await rig.until("it is undone") { shop.calls.all == ["arrange", "undo"] }
        }

        #expect(rig.server.contents.events("ShippingSkipped", owner: "shipping").isEmpty)
    }

    /// It was taken away while its sagas run: what is asked again and again would be as many
    /// letters.
    @Test func aConditionThatIsGoneIsOwedUntilItIsBack() async throws {
        let (shop, rig) = (Shop(), try TripRig(lasting: .seconds(60)))
        try say(WrappingSkipped(), rig)
        try say(ProductReserved(country: ""), rig)
        try await rig.running([shop.shipping]) {
            try await rig.until("it is skipped") {
                rig.server.contents.events("ShippingSkipped", owner: "shipping").count == 1
            }
        }
        for _ in 0..<3 { try say(OrderCompleted(), rig) }

        try await rig.running([Shop.unconditional]) {
            try await rig.until("it is owed") {
                rig.server.contents.ledger("shipping", "1")["owes"] == "arrange"
            }
        }
        #expect(rig.server.contents.blocked["shipping"]?.keys.sorted() == ["1"])
        try await rig.running([shop.shipping]) {
            try await rig.until("it is said again") {
                rig.server.contents.events("ShippingSkipped", owner: "shipping").count > 1
                    && rig.server.contents.ledger("shipping", "1")["owes"] == nil
            }
        }

        #expect(rig.letters == [])
        #expect(shop.calls.all == [])
        #expect(rig.server.contents.blocked["shipping"] ?? [:] == [:])
    }

    // MARK: -

    private func say<Event: SagaEvent>(_ event: Event, _ rig: TripRig) throws {
        let said = CloudEvent(
            source: "/\(Event.owner)", type: Event.type, subject: "1", route: "saga",
            data: try EventPayload.encode(event))
        try rig.say([said], owner: Event.owner)
    }

    /// A saga of which shipping has skipped its leg, and has heard no more.
    private func skipped() async throws -> (Shop, SagaRehearsal) {
        let shop = Shop()
        let rehearsal = try SagaRehearsal(shop.shipping)
        try await rehearsal.say(WrappingSkipped(), of: "1")
        try await rehearsal.say(ProductReserved(country: ""), of: "1")
        try await rehearsal.settle()
        #expect(state(rehearsal) == "skipped")
        return (shop, rehearsal)
    }

    private func said(_ type: String, _ rehearsal: SagaRehearsal) -> [CloudEvent] {
        let owner = type.hasPrefix("Ship") ? "shipping" : "inventory"
        return rehearsal.server.contents.events(type, owner: owner)
    }

    private func state(_ rehearsal: SagaRehearsal) -> String {
        LedgerEntry(rehearsal.server.contents.ledger("shipping", "1")["arrange"] ?? "").state
    }
}
