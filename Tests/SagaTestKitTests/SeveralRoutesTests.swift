import CloudEvents
import Saga
import SagaTestKit
import Synchronization
import Testing

/// A shop and renewals that have payments in common, and the same IDs.
private struct Houses {
    final class Bank: Sendable {
        private let books = Mutex<[String]>([])
        private let isAway = Mutex(false)
        var all: [String] { books.withLock { $0 } }

        func close(_ isClosed: Bool = true) { isAway.withLock { $0 = isClosed } }

        func note(_ call: String) throws {
            if isAway.withLock({ $0 }) { throw CancellationError() }
            books.withLock { $0.append(call) }
        }
    }

    static let orderEnds = RouteOwner(
        "order", begins: OrderCreated.self, completes: OrderCompleted.self,
        on: ProductReserved.self, cancelled: OrderCancelled.self,
        request: OrderCancellationRequested.self)
    static let order = Route("order", owner: orderEnds) {
        ShopRoute.charge
        ShopRoute.reserve
    }

    let bank = Bank()

    static let orders = Participant(order, "order") {
        Oversee(orderEnds, deadline: .seconds(30)) { _, _ in Transition(OrderCompleted()) }
    }
    static let renewals = Participant(RenewalRoute.route, "renewal") {
        Oversee(RenewalRoute.ends, deadline: .seconds(30)) { _, _ in Transition(RenewalDone()) }
    }
    static let inventory = Participant(order, "inventory") {
        Perform(ShopRoute.reserve) { paid, _ in
            if paid.quantity > 1 { throw BusinessFailure("out_of_stock") }
            return Transition(ProductReserved())
        } undo: { _ in
        }
    }
    var payment: Participant {
        Participant(Self.order, "payment") {
            Perform(ShopRoute.charge) { [bank] order, context in
                try bank.note("charge \(context.idempotencyKey)")
                return Transition(PaymentProcessed(quantity: order.quantity))
            } undo: { [bank] context in
                try bank.note("refund \(context.idempotencyKey)")
            }
        }
        .also(on: RenewalRoute.route) {
            Perform(RenewalRoute.charge, undoGiveUpAfter: .seconds(1)) { [bank] _, context in
                try bank.note("charge \(context.idempotencyKey)")
                #expect(context.route == "renewal")
                return Transition(PaymentProcessed())
            } undo: { [bank] context in
                try bank.note("refund \(context.idempotencyKey)")
            }
        }
    }

    var all: [Participant] { [Self.orders, Self.renewals, Self.inventory, payment] }
}

/// A participant of several routes: sagas with the same ID have nothing in common.
@Suite(.timeLimit(.minutes(1)))
struct SeveralRoutesTests {
    @Test func thePartsOnAllRoutesFit() throws {
        #expect(Participant.faults(between: Houses().all) == [])
        let declared = try Declaration(ParticipantPlan(Houses().payment))
        #expect(Declaration.routes(in: declared.route) == ["order", "renewal"])
        #expect(
            declared.consumes.filter { $0.hasSuffix("Created/1") || $0.hasSuffix("Asked/1") }
                == ["order.OrderCreated/1", "renewal.RenewalAsked/1"])
    }

    @Test func sagasOfTheSameIDRunSideBySide() async throws {
        let houses = Houses()
        let rehearsal = try SagaRehearsal(houses.all)
        try await rehearsal.begin("1", OrderCreated())
        try await rehearsal.begin("1", RenewalAsked())
        try await rehearsal.settle()

        #expect(
            Set(houses.bank.all) == [
                "charge troupe:order:1:payment:charge", "charge troupe:renewal:1:payment:charge",
            ])
        let contents = rehearsal.server.contents
        for ledger in ["1", "renewal/1"] {
            let ledger = contents.ledger("payment", ledger)
            #expect(LedgerEntry(ledger["charge"] ?? "").state == "done")
            #expect(ledger["end"] == "completed")
        }
        #expect(contents.ending.isSuperset(of: ["payment:1", "payment:renewal/1"]))
        #expect(contents.ledger("inventory", "1")["reserve"]?.hasPrefix("done") == true)
        #expect(contents.events("ProductReserved", owner: "inventory").count == 1)
        #expect(rehearsal.letters == [])
    }

    @Test func whatOneRouteUndoesStandsOnTheOther() async throws {
        let houses = Houses()
        let rehearsal = try SagaRehearsal(houses.all)
        try await rehearsal.begin("1", OrderCreated(quantity: 2))
        try await rehearsal.begin("1", RenewalAsked())
        try await rehearsal.settle()

        let contents = rehearsal.server.contents
        #expect(contents.ledger("order", "1")["lifecycle"]?.hasPrefix("cancelled") == true)
        #expect(contents.ledger("renewal", "1")["lifecycle"]?.hasPrefix("completed") == true)
        #expect(
            houses.bank.all.filter { $0.hasPrefix("refund") }
                == ["refund troupe:order:1:payment:charge"])
        #expect(contents.ledger("payment", "1")["end"] == "cancelled")
        #expect(contents.ledger("payment", "renewal/1")["end"] == "completed")
    }

    /// Of the first route is what says none, and of nobody's what says another.
    @Test func anEventIsOfTheRouteThatItNames() async throws {
        let houses = Houses()
        let rehearsal = try SagaRehearsal(houses.payment)
        for route in [nil, "order", "renewal", "returns"] {
            try rehearsal.server.change { data throws(SagaError) in
                data.append(
                    CloudEvent(
                        source: "/order", type: "OrderCreated", subject: route ?? "none",
                        time: rehearsal.clock.wallMilliseconds, route: route,
                        data: Array(#"{"card":"c","country":"DE","quantity":1}"#.utf8)),
                    owner: "order")
            }
        }
        try await rehearsal.settle()

        // What has no route has keys of the versions that knew none.
        #expect(
            Set(houses.bank.all) == [
                "charge none:charge", "charge troupe:order:order:payment:charge",
            ])
        #expect(rehearsal.letters == [])
    }

    @Test func whatOneRouteOwesIsOwedUnderItsName() async throws {
        let houses = Houses()
        let rehearsal = try SagaRehearsal(houses.payment)
        try await rehearsal.say(RenewalAsked(), of: "1")
        try await rehearsal.say(OrderCreated(), of: "1")
        try await rehearsal.settle()
        houses.bank.close()
        try await rehearsal.say(RenewalWithdrawn(reason: "r", detail: ""), of: "1")
        try await rehearsal.pass(.seconds(10))

        #expect(rehearsal.server.contents.blocked["payment"]?.keys.sorted() == ["renewal/1"])
        let ledger = rehearsal.server.contents.ledger("payment", "renewal/1")
        #expect(ledger["owes"] != nil && ledger["blocked"] != nil)
        #expect(rehearsal.server.contents.ledger("payment", "1")["blocked"] == nil)

        houses.bank.close(false)
        try await rehearsal.pass(.seconds(400))

        #expect(rehearsal.server.contents.blocked["payment"] ?? [:] == [:])
        let settled = rehearsal.server.contents.ledger("payment", "renewal/1")
        #expect(settled["owes"] == nil)
        #expect(LedgerEntry(settled["charge"] ?? "").state == "compensated")
        #expect(houses.bank.all.last == "refund troupe:renewal:1:payment:charge")
    }

    @Test func anIDThatLooksLikeAnotherRoutesSagaIsItsOwn() async throws {
        let houses = Houses()
        let rehearsal = try SagaRehearsal(houses.all)
        try await rehearsal.begin("renewal/1", OrderCreated(quantity: 2))
        try await rehearsal.begin("1", RenewalAsked())
        try await rehearsal.settle()

        let contents = rehearsal.server.contents
        #expect(
            contents.ledger("payment", "order/renewal/1")["charge"]?.hasPrefix("compensated")
                == true)
        #expect(contents.ledger("payment", "renewal/1")["charge"]?.hasPrefix("done") == true)
    }

    // MARK: - What does not start

    @Test func aCompanyIsTheSameOnEachRoute() {
        func payment(_ bank: OutsideCompany) -> Participant {
            Participant(Houses.order, "payment") {
                Perform(ShopRoute.charge, calls: OutsideCompany("bank")) { _, _ in
                    Transition(PaymentProcessed())
                } undo: { _ in
                }
            }
            .also(on: RenewalRoute.route) {
                Perform(RenewalRoute.charge, calls: bank) { _, _ in
                    Transition(PaymentProcessed())
                } undo: { _ in
                }
            }
        }

        #expect(payment(OutsideCompany("bank")).faults == [])
        #expect(
            payment(OutsideCompany("bank", callsPerSecond: 5)).faults
                == ["'bank' is declared in two ways, on 'order' and on 'renewal'"])
    }

    @Test func aRouteTwiceOrOneThatItOverseesBesideItsFirstDoesNotStart() {
        let twice = Houses().payment.also(on: RenewalRoute.route) {
            Perform(RenewalRoute.charge) { _, _ in
                Transition(PaymentProcessed())
            } undo: { _ in
            }
        }
        #expect(twice.faults == ["it takes part in the route 'renewal' twice"])
        let both = Houses.orders.also(on: RenewalRoute.route) {
            Oversee(RenewalRoute.ends) { _, _ in Transition(RenewalDone()) }
        }
        #expect(
            both.faults.contains { $0.contains("it oversees the route, which 'renewal' owns") })
        #expect(both.faults.contains("it oversees 'renewal', which is not its first route"))
        let forgetful = Houses().payment.also(on: ShopRoute.route) {}
        #expect(
            forgetful.faults.contains {
                $0.hasPrefix("on route 'saga': nothing is declared for leg charge")
            })
    }
}
