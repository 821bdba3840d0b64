import Saga
import SagaTestKit
import Testing

private protocol DeskEvent: SagaEvent {}
extension DeskEvent { static var owner: String { "desk" } }
private struct Asked: DeskEvent {}
private struct Ended: DeskEvent {}
private struct Stopped: DeskEvent, ReasonEvent { var reason, detail: String }
private struct StopRequested: DeskEvent, ReasonEvent { var reason, detail: String }

private protocol HandEvent: SagaEvent {}
extension HandEvent { static var owner: String { "hand" } }
private struct LeftDone: HandEvent {}
private struct LeftFailed: HandEvent, FailureEvent { var reason, detail: String }
private struct LeftUndone: HandEvent, UndoneEvent {}
private struct RightDone: HandEvent {}
private struct RightFailed: HandEvent, FailureEvent { var reason, detail: String }
private struct RightUndone: HandEvent, UndoneEvent {}
private struct Clapped: HandEvent {}
private struct ClapFailed: HandEvent, FailureEvent { var reason, detail: String }

/// What follows from a route, and what is refused of one.
@Suite(.timeLimit(.minutes(1)))
struct RouteTests {
    // MARK: - What follows

    @Test func whoUndoesOnWhatFollowsFromTheOrderOfTheLegs() {
        let undoes = ShopRoute.route.legs.map { ShopRoute.route.undoes($0).map(\.type) }

        #expect(
            undoes == [
                ["ProductReservationFailed", "ShippingFailed", "OrderCancellationRequested"],
                ["ShippingFailed", "OrderCancellationRequested"],
                ["OrderCancellationRequested"],
            ])
    }

    @Test func whoIsAwaitedFollowsFromTheOrderOfTheLegs() throws {
        let lifecycle = try #require(OrderSaga.order.lifecycle)

        #expect(
            lifecycle.cancellations.map(\.awaiting) == [[], ["payment"], ["payment", "inventory"]])
        #expect(lifecycle.requests.map(\.awaiting) == [["payment", "inventory", "shipping"]])
        #expect(
            lifecycle.answers.mapValues { $0.map(\.type) } == [
                "payment": ["PaymentRefunded", "PaymentFailed"],
                "inventory": ["ProductReleased", "ProductReservationFailed"],
                "shipping": ["ShipmentCancelled", "ShippingFailed"],
            ])
    }

    @Test func legsSideBySideUndoOnEachOthersFailure() {
        let route = Self.hands

        let undoes = route.legs.map { route.undoes($0).map(\.type) }
        #expect(
            undoes == [
                ["RightFailed", "ClapFailed", "StopRequested"],
                ["LeftFailed", "ClapFailed", "StopRequested"], [],
            ])
        #expect(route.awaited(after: route.legs[0]) == ["hand/right"])
        #expect(route.awaited(after: route.legs[2]) == ["hand", "hand/right"])
        #expect(route.participants == ["hand"])
    }

    @Test func severalLegsOfOneParticipantFit() {
        #expect(Participant.faults(between: [Self.desk, Self.hand]) == [])
    }

    // MARK: - The digest

    @Test func theDigestIsTheSameEverywhereAndAnotherForAnotherRoute() {
        let digest = RouteDigest(ShopRoute.route)

        #expect(digest.hexadecimal == "52b8d021d020e001")
        #expect(digest == RouteDigest(ShopRoute.route))
        #expect(digest.hexadecimal != RouteDigest(Self.hands).hexadecimal)
        #expect(
            digest.text.contains(
                "leg inventory/reserve: payment.PaymentProcessed/1 > inventory.ProductReserved/1 "
                    + "| inventory.ProductReservationFailed/1, undone inventory.ProductReleased/1, "
                    + "on records alone"))
    }

    @Test func participantsOfTwoVersionsOfARouteAreTold() {
        let shorter = Route("saga", owner: ShopRoute.ends) {
            ShopRoute.charge
            ShopRoute.reserve
            ShopRoute.arrange
        }
        let payment = Participant(shorter, "payment") {
            Perform(ShopRoute.charge) { _, _ in
                Transition(PaymentProcessed())
            } undo: { _ in
            }
        }

        let faults = Participant.faults(between: [
            OrderSaga.order, payment, OrderSaga.inventory, OrderSaga.shipping,
        ])

        #expect(faults == ["'payment' and 'order' were made for two versions of the route 'saga'"])
    }

    // MARK: - What does not start

    @Test func aForgottenLegDoesNotStart() {
        expectRefused(
            Participant(ShopRoute.route, "payment") {}, "nothing is declared for leg charge",
            "its legs are charge (payment), reserve (inventory), arrange (shipping)")
        expectRefused(
            Participant(ShopRoute.route, "shipping") {
                Perform(ShopRoute.arrange) { _, _ in
                    Transition(ShipmentArranged())
                } undo: { _ in
                }
            }, "nothing is declared for what finishes leg arrange")
        expectRefused(
            Participant(ShopRoute.route, "order") {}, "it owns the route and does not oversee it")
    }

    @Test func aForeignLegDoesNotStart() {
        expectRefused(
            Participant(ShopRoute.route, "inventory") {
                Perform(ShopRoute.charge) { _, _ in
                    Transition(PaymentProcessed())
                } undo: { _ in
                }
            }, "leg charge is for 'payment' to declare", "nothing is declared for leg reserve")
        expectRefused(
            Participant(ShopRoute.route, "hand") {
                Perform(Self.clap) { _, _ in Transition(Clapped()) }
                Oversee(Self.ends) { _, _ in Transition(Ended()) }
            }, "clap (hand) is not a leg of the route", "'hand' has no leg on the route",
            "it oversees the route, which 'order' owns", "it oversees another route than 'saga'")
        let other = Leg(
            "charge", by: "payment", on: OrderCreated.self, emits: PaymentProcessed.self,
            orElse: PaymentFailed.self)
        expectRefused(
            Participant(ShopRoute.route, "payment") {
                Perform(other) { _, _ in Transition(PaymentProcessed()) }
                    .finish(ShopRoute.ship) { _, _ in Transition(ProductShipped()) }
            }, "charge is declared for another leg of that name",
            "what finishes inventory/reserve is declared on leg charge, not its own")
    }

    @Test func aPartOfARouteDoesNotStartWithoutIt() {
        expectRefused(
            Participant("payment") {
                Perform(ShopRoute.charge) { _, _ in
                    Transition(PaymentProcessed())
                } undo: { _ in
                }
                Oversee(ShopRoute.ends) { _, _ in Transition(OrderCompleted()) }
            }, "charge belongs to a route, which is not given",
            "what oversees a route belongs to one, which is not given")
        expectRefused(
            Participant(Self.hands, "desk") {
                Oversee(Self.ends) { _, _ in Transition(Ended()) }
                Lifecycle(begins: Asked.self, answers: [:])
                Step(
                    "extra", on: Asked.self, emits: Clapped.self,
                    orElse: { _, _ in Transition(ClapFailed(reason: "", detail: "")) },
                    perform: { _, _ in Transition(Clapped()) })
            }, "step 'extra' is declared beside the route's legs",
            "a lifecycle is declared beside the route's own")
    }

    // MARK: - What is not a route

    @Test func aRouteInWhichLegsDoNotMeetHasFaults() {
        let faults = Route("Hands", owner: Self.ends) {
            Self.clap
            Self.left
            Self.left
            FinishingLeg(of: Self.right, on: Asked.self)
        }.faults

        for fault in [
            "its name has to start with a-z", "two legs are named hand/left",
            "leg clap waits for LeftDone, which neither the beginning nor a leg before it says",
            "it finishes hand/right, which is not a leg of it",
            "on Asked, which is not its pivot's Ended", "LeftDone is said by two of its parts",
        ] {
            #expect(faults.contains { $0.contains(fault) }, "\(fault) is missing in \(faults)")
        }
    }

    @Test func aLegThatNobodyWaitsForHasAFault() {
        let ends = RouteOwner(
            "desk", begins: Asked.self, completes: Ended.self, on: LeftDone.self,
            cancelled: Stopped.self, request: StopRequested.self)
        let faults = Route("hands", owner: ends) {
            Self.left
            Self.right
        }.faults

        #expect(
            faults == [
                "nothing waits for RightDone of leg right: a leg or the pivot has to, or a saga "
                    + "would be completed before it"
            ])
    }

    @Test func whoSaysAnothersEventHasAFault() {
        let theft = Leg(
            "left", by: "thief", on: Asked.self, emits: LeftDone.self, orElse: LeftFailed.self)
        let ends = RouteOwner(
            "desk", begins: Asked.self, completes: Ended.self, on: LeftDone.self, LeftDone.self,
            cancelled: Stopped.self, request: StopRequested.self)

        let faults = Route("hands", owner: ends) { theft }.faults

        #expect(faults.contains("thief says LeftDone, which 'hand' owns"))
        #expect(faults.contains("its pivot waits for LeftDone twice"))
    }

    // MARK: - Without a route

    /// A list kept by hand that lacks one event left its saga cancelling for ever.
    @Test func whoIsAwaitedAndDoesNotUndoIsToldAndTheReverse() {
        let forgetful = Participant("payment") {
            Step(
                "charge", on: OrderCreated.self, emits: PaymentProcessed.self,
                orElse: { failure, _ in Transition(PaymentFailed(reason: failure.reason)) },
                perform: { _, _ in Transition(PaymentProcessed()) }
            )
            .compensated(
                by: [PaymentFailed.self, OrderCancellationRequested.self],
                emits: PaymentRefunded.self, nothingToUndo: { _ in Transition(PaymentRefunded()) },
                undo: { _ in Transition(PaymentRefunded()) })
        }

        let faults = Participant.faults(between: [
            OrderSaga.order, forgetful, OrderSaga.inventory, OrderSaga.shipping,
        ])

        #expect(
            faults == [
                "'payment' undoes on PaymentFailed, after which nobody awaits it",
                "'payment' is awaited after ProductReservationFailed, on which it undoes nothing",
                "'payment' is awaited after ShippingFailed, on which it undoes nothing",
            ])
    }

    // MARK: - A saga of two hands

    private static let left = Leg(
        "left", by: "hand", on: Asked.self, emits: LeftDone.self, orElse: LeftFailed.self,
        undone: LeftUndone.self)
    private static let right = Leg(
        "right", by: "hand", on: Asked.self, emits: RightDone.self, orElse: RightFailed.self,
        undone: RightUndone.self)
    private static let clap = Leg(
        "clap", by: "hand", on: LeftDone.self, RightDone.self, emits: Clapped.self,
        orElse: ClapFailed.self)
    private static let ends = RouteOwner(
        "desk", begins: Asked.self, completes: Ended.self, on: Clapped.self,
        cancelled: Stopped.self, request: StopRequested.self)
    private static let hands = Route("hands", owner: ends) {
        left
        right
        clap
    }
    private static let desk = Participant(hands, "desk") {
        Oversee(ends) { _, _ in Transition(Ended()) }
    }
    private static let hand = Participant(hands, "hand") {
        Perform(left) { _, _ in
            Transition(LeftDone())
        } undo: { _ in
        }
        Perform(right) { _, _ in
            Transition(RightDone())
        } undo: { _ in
        }
        Perform(clap) { _, _ in Transition(Clapped()) }
    }
}
