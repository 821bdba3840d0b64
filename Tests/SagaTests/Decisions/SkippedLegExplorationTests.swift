import Saga
import SagaTestKit
import Testing

private struct ChargeSkipped: SkippedEvent { static let owner = "payment" }
private struct ReservationSkipped: SkippedEvent { static let owner = "inventory" }

extension RouteExploration.Rule {
    /// Those that are about legs which are not needed.
    static let ofSkipping: Set<RouteExploration.Rule> = [
        .skippedAnswers, .skippedIsUndoneFirst, .skippedIsTakenBack, .othersGoOnWithoutIt,
    ]
}

/// Every order of deliveries of the order saga where legs are not needed: as that of
/// `ChoreographyExplorationTests`, and beside processes of a version that needs them all.
@Suite(.timeLimit(.minutes(2)))
struct SkippedLegExplorationTests {
    @Test(arguments: [
        ["shipping"], ["inventory"], ["payment"], ["payment", "shipping"],
        ["payment", "inventory", "shipping"],
    ])
    func whereLegsAreNotNeededEveryOrderEndsWell(_ skipping: [String]) throws {
        let explored = try Self.exploration(skipping).run()

        #expect(explored.violation == nil)
        #expect(explored.states > 300, "\(explored.states)")
    }

    @Test(arguments: ["shipping", "inventory", "payment"])
    func besideAVersionThatNeedsItEveryOrderEndsWell(_ skipping: String) throws {
        let explored = try Self.exploration([skipping], hasOldVersions: true).run()

        #expect(explored.violation == nil)
        #expect(explored.states > 500, "\(explored.states)")
    }

    @Test(arguments: RouteExploration.Rule.ofSkipping.sorted { $0.rawValue < $1.rawValue })
    func everyRuleIsNeeded(_ rule: RouteExploration.Rule) throws {
        let explored = try Self.exploration(["shipping"], hasOldVersions: true, without: rule).run()

        #expect(explored.violation != nil, "nothing breaks without \(rule)")
    }

    @Test func whatIsAlwaysNeededCannotBeSkipped() {
        #expect(throws: SagaError.self) {
            try RouteExploration(OrderSaga.all, skipping: ["shipping"])
        }
    }

    private static func exploration(
        _ skipping: [String], hasOldVersions: Bool = false,
        without rule: RouteExploration.Rule? = nil
    ) throws -> RouteExploration {
        try RouteExploration(
            participants, skipping: Set(skipping), hasOldVersions: hasOldVersions,
            without: rule)
    }

    // MARK: - The order saga, of which no leg is always needed

    private static let charge = ShopRoute.charge
        .when("paid", otherwise: ChargeSkipped.self) { $0.quantity > 0 }
    private static let reserve = Leg(
        "reserve", by: "inventory", on: PaymentProcessed?.self, emits: ProductReserved.self,
        orElse: ProductReservationFailed.self, undone: ProductReleased.self, actsOutside: false
    )
    .when("stocked", otherwise: ReservationSkipped.self) { $0 != nil }
    private static let arrange = Leg(
        "arrange", by: "shipping", on: ProductReserved?.self, emits: ShipmentArranged.self,
        orElse: ShippingFailed.self, undone: ShipmentCancelled.self
    )
    .when("shipped", otherwise: ShippingSkipped.self) { $0 != nil }
    private static let ship = FinishingLeg(
        of: reserve, on: OrderCompleted.self, emits: ProductShipped.self)
    private static let dispatch = FinishingLeg(
        of: arrange, on: OrderCompleted.self, emits: ShipmentDispatched.self)
    private static let ends = RouteOwner(
        "order", begins: OrderCreated.self, completes: OrderCompleted.self,
        on: ShipmentArranged?.self, cancelled: OrderCancelled.self,
        request: OrderCancellationRequested.self)
    private static let route = Route("saga", owner: ends) {
        charge
        reserve
        arrange
        ship
        dispatch
    }

    private static let participants = [
        Participant(route, "order") {
            Oversee(ends, deadline: .seconds(30)) { _, _ in Transition(OrderCompleted()) }
        },
        Participant(route, "payment") {
            Perform(charge) { _, _ in
                Transition(PaymentProcessed())
            } undo: { _ in
            }
        },
        Participant(route, "inventory") {
            Perform(reserve) { _, _ in
                Transition(ProductReserved())
            } undo: { _ in
            }
            .finish(ship) { _, _ in Transition(ProductShipped()) }
        },
        Participant(route, "shipping") {
            Perform(arrange) { _, _ in
                Transition(ShipmentArranged())
            } undo: { _ in
            }
            .finish(dispatch) { _, _ in Transition(ShipmentDispatched()) }
        },
    ]
}
