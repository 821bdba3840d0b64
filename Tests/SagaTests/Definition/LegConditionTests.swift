import Saga
import SagaTestKit
import Testing

private struct ReservationSkipped: SkippedEvent { static let owner = "inventory" }

/// What follows from a condition of a leg, and what is refused of one.
///
/// What has no event in place of its success, or asks about another event, does not compile.
@Suite(.timeLimit(.minutes(1)))
struct LegConditionTests {
    // MARK: - What follows

    @Test func whoWaitsForALegHearsAlsoThatItWasNotNeeded() throws {
        let order = try ParticipantPlan(Self.order)

        #expect(Participant.faults(between: Self.all) == [])
        #expect(order.consumed["ShipmentArranged"] != nil)
        #expect(order.consumed["ShippingSkipped"]?.kind.owner == "shipping")
        #expect(Declaration(order).consumes.contains("shipping.ShippingSkipped/1"))
        #expect(
            try Declaration(ParticipantPlan(Self.shipping)).emits.contains("ShippingSkipped/1"))
        #expect(Self.route.events.contains { $0 == ShippingSkipped.self })
    }

    /// Undoing and finishing goes as for a leg that is always needed.
    @Test func whoIsAskedAndAwaitedIsTheSameAsWithoutACondition() {
        let (conditional, plain) = (Self.route, ShopRoute.route)

        #expect(
            conditional.legs.map { conditional.undoes($0).map(\.type) }
                == plain.legs.map { plain.undoes($0).map(\.type) })
        #expect(conditional.awaitedOnRequest == plain.awaitedOnRequest)
        #expect(conditional.reports.map(\.name) == plain.reports.map(\.name))
        #expect(
            conditional.finishQuestions["shipping"]?.answers.map(\.type)
                == ["ShipmentDispatched", "ShippingSkipped"])
        #expect(
            conditional.finishQuestions["inventory"]?.answers.map(\.type) == ["ProductShipped"])
    }

    @Test func theDigestNamesTheCondition() {
        let digest = RouteDigest(Self.route)

        #expect(digest.text.contains(", when shipped or shipping.ShippingSkipped/1"))
        let other = Self.arrange(when: "physical")
        let renamed = Route("saga", owner: Self.ends) {
            ShopRoute.charge
            ShopRoute.reserve
            other
            ShopRoute.ship
            FinishingLeg(of: other, on: OrderCompleted.self, emits: ShipmentDispatched.self)
        }
        #expect(renamed.faults == [])
        #expect(RouteDigest(renamed).hexadecimal != digest.hexadecimal)
        let forgetful = Participant(Self.route, "shipping") {
            Perform(ShopRoute.arrange) { _, _ in
                Transition(ShipmentArranged())
            } undo: { _ in
            }
            .finish(ShopRoute.dispatch) { _, _ in Transition(ShipmentDispatched()) }
        }
        expectRefused(forgetful, "arrange is declared for another leg of that name", "when shipped")
    }

    // MARK: - What does not start

    @Test func aPivotThatKnowsNothingOfTheConditionDoesNotStart() {
        let conditional = Self.arrange(when: "shipped")
        let route = Route("saga", owner: ShopRoute.ends) {
            ShopRoute.charge
            ShopRoute.reserve
            conditional
        }

        #expect(
            route.faults == [
                "its pivot waits for ShipmentArranged, which is not said where leg arrange is not "
                    + "needed (shipped): let it wait for ShipmentArranged?"
            ])
        expectRefused(
            Participant(route, "order") {
                Oversee(ShopRoute.ends) { _, _ in Transition(OrderCompleted()) }
            }, "where leg arrange is not needed (shipped)",
            "its legs are charge (payment), reserve (inventory), arrange (shipping, when shipped)")
    }

    @Test func aLegThatKnowsNothingOfTheConditionDoesNotStart() {
        let reserve = ShopRoute.reserve
            .when("stocked", otherwise: ReservationSkipped.self) { $0.quantity > 0 }
        let route = Route("saga", owner: ShopRoute.ends) {
            ShopRoute.charge
            reserve
            ShopRoute.arrange
        }

        #expect(
            route.faults == [
                "leg arrange waits for ProductReserved, which is not said where leg reserve is not "
                    + "needed (stocked): let it wait for ProductReserved?"
            ])
    }

    @Test func whatIsAlwaysSaidIsNotWaitedForAsIfItWereNot() {
        let early = Leg(
            "charge", by: "payment", on: OrderCreated?.self, emits: PaymentProcessed.self,
            orElse: PaymentFailed.self, undone: PaymentRefunded.self)
        let route = Route("saga", owner: Self.ends) {
            early
            ShopRoute.reserve
            ShopRoute.arrange
        }

        #expect(
            route.faults == [
                "leg charge waits for OrderCreated?, which is always said: let it wait for "
                    + "OrderCreated",
                "its pivot waits for ShipmentArranged?, which is always said: let it wait for "
                    + "ShipmentArranged",
            ])
    }

    @Test func aLegWithTwoConditionsOrANamelessOneDoesNotStart() {
        let twice = Self.arrange(when: "No Name")
            .when("light", otherwise: ShippingSkipped.self) { _ in true }
        let faults = Route("saga", owner: Self.ends) {
            ShopRoute.charge
            ShopRoute.reserve
            twice
        }.faults

        #expect(faults.contains("leg arrange has more than one condition"))
        #expect(
            faults.contains {
                $0.hasPrefix("the name 'No Name' of the condition of leg arrange has to start")
            })
    }

    // MARK: - A shop that does not ship everything

    private static func arrange(
        when name: String
    ) -> Leg<ProductReserved, ShipmentArranged, ShippingFailed, ShipmentCancelled> {
        ShopRoute.arrange.when(name, otherwise: ShippingSkipped.self) { !$0.country.isEmpty }
    }

    private static let shipped = arrange(when: "shipped")
    private static let dispatch = FinishingLeg(
        of: shipped, on: OrderCompleted.self, emits: ShipmentDispatched.self)
    private static let ends = RouteOwner(
        "order", begins: OrderCreated.self, completes: OrderCompleted.self,
        on: ShipmentArranged?.self, cancelled: OrderCancelled.self,
        request: OrderCancellationRequested.self)
    private static let route = Route("saga", owner: ends) {
        ShopRoute.charge
        ShopRoute.reserve
        shipped
        ShopRoute.ship
        dispatch
    }
    private static let order = Participant(route, "order") {
        Oversee(ends) { _, _ in Transition(OrderCompleted()) }
    }
    private static let shipping = Participant(route, "shipping") {
        Perform(shipped) { _, _ in
            Transition(ShipmentArranged())
        } undo: { _ in
        }
        .finish(dispatch) { _, _ in Transition(ShipmentDispatched()) }
    }
    private static let payment = Participant(route, "payment") {
        Perform(ShopRoute.charge) { _, _ in
            Transition(PaymentProcessed())
        } undo: { _ in
        }
    }
    private static let inventory = Participant(route, "inventory") {
        Perform(ShopRoute.reserve) { _, _ in
            Transition(ProductReserved())
        } undo: { _ in
        }
        .finish(ShopRoute.ship) { _, _ in Transition(ProductShipped()) }
    }
    private static let all = [order, payment, inventory, shipping]
}
