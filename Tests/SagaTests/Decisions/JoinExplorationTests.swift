import Saga
import SagaTestKit
import Testing

private protocol TourEvent: SagaEvent {}
extension TourEvent { static var owner: String { "tour" } }
private struct TourAsked: TourEvent {}
private struct TourBooked: TourEvent {}
private struct TourCancelled: TourEvent, ReasonEvent { var reason, detail: String }
private struct TourCancellationRequested: TourEvent, ReasonEvent { var reason, detail: String }

private protocol BedEvent: SagaEvent {}
extension BedEvent { static var owner: String { "bed" } }
private struct BedTaken: BedEvent {}
private struct BedRefused: BedEvent, FailureEvent { var reason, detail: String }
private struct BedLeft: BedEvent, UndoneEvent {}

private struct BreakfastOrdered: BedEvent {}
private struct BreakfastRefused: BedEvent, FailureEvent { var reason, detail: String }
private struct BreakfastCancelled: BedEvent, UndoneEvent {}

private protocol SeatEvent: SagaEvent {}
extension SeatEvent { static var owner: String { "seat" } }
private struct SeatTaken: SeatEvent {}
private struct SeatRefused: SeatEvent, FailureEvent { var reason, detail: String }
private struct SeatLeft: SeatEvent, UndoneEvent {}

private protocol GuideEvent: SagaEvent {}
extension GuideEvent { static var owner: String { "guide" } }
private struct GuideHired: GuideEvent {}
private struct GuideRefused: GuideEvent, FailureEvent { var reason, detail: String }
private struct GuideDismissed: GuideEvent, UndoneEvent {}

/// Every order of deliveries, each any number of times, of routes with legs side by side.
@Suite(.timeLimit(.minutes(2)))
struct JoinExplorationTests {
    @Test func aLegThatWaitsForTwoOthersEndsWell() throws {
        let route = Route("tour", owner: Self.guidedEnds) {
            Self.bed
            Self.seat
            Self.guide
        }
        let explored = try RouteExploration(
            [
                Participant(route, "tour") {
                    Oversee(Self.guidedEnds) { _, _ in Transition(TourBooked()) }
                },
                Participant(route, "bed") {
                    Perform(Self.bed) { _, _ in
                        Transition(BedTaken())
                    } undo: { _ in
                    }
                },
                Participant(route, "seat") {
                    Perform(Self.seat) { _, _ in
                        Transition(SeatTaken())
                    } undo: { _ in
                    }
                },
                Participant(route, "guide") {
                    Perform(Self.guide) { _, _ in
                        Transition(GuideHired())
                    } undo: { _ in
                    }
                },
            ]
        ).run()

        #expect(explored.violation == nil)
        #expect(explored.states > 500)
    }

    @Test func aPivotThatWaitsForTwoLegsEndsWell() throws {
        #expect(try RouteExploration(Self.alone()).run().violation == nil)
    }

    @Test(arguments: [
        RouteExploration.Rule.tombstone, .failureIsAnAnswer, .earlyAnswersCount, .takeBack,
        .cancellingNeverCompletes,
    ])
    func everyRuleIsNeeded(_ rule: RouteExploration.Rule) throws {
        #expect(try RouteExploration(Self.alone(), without: rule).run().violation != nil)
    }

    /// One event asks both to undo, and the process may die between them.
    @Test func aParticipantWithTwoLegsEndsWell() throws {
        let explored = try RouteExploration(Self.inOneHand()).run()

        #expect(explored.violation == nil)
        #expect(explored.states > 500)
    }

    @Test func whatTheSecondLegOfAParticipantHasDoneIsUndone() throws {
        let explored = try RouteExploration(Self.inOneHand(), without: .lastLegIsUndone).run()

        #expect(explored.violation != nil)
    }

    private static func inOneHand() -> [Participant] {
        let breakfast = Leg(
            "breakfast", by: "bed", on: BedTaken.self, emits: BreakfastOrdered.self,
            orElse: BreakfastRefused.self, undone: BreakfastCancelled.self)
        let ends = RouteOwner(
            "tour", begins: TourAsked.self, completes: TourBooked.self,
            on: BreakfastOrdered.self, cancelled: TourCancelled.self,
            request: TourCancellationRequested.self)
        let route = Route("tour", owner: ends) {
            bed
            breakfast
        }
        return [
            Participant(route, "tour") { Oversee(ends) { _, _ in Transition(TourBooked()) } },
            Participant(route, "bed") {
                Perform(bed) { _, _ in
                    Transition(BedTaken())
                } undo: { _ in
                }
                Perform(breakfast) { _, _ in
                    Transition(BreakfastOrdered())
                } undo: { _ in
                }
            },
        ]
    }

    private static func alone() -> [Participant] {
        let route = Route("tour", owner: aloneEnds) {
            bed
            seat
        }
        return [
            Participant(route, "tour") {
                Oversee(aloneEnds) { _, _ in Transition(TourBooked()) }
            },
            Participant(route, "bed") {
                Perform(bed) { _, _ in
                    Transition(BedTaken())
                } undo: { _ in
                }
            },
            Participant(route, "seat") {
                Perform(seat) { _, _ in
                    Transition(SeatTaken())
                } undo: { _ in
                }
            },
        ]
    }

    private static let bed = Leg(
        "take", by: "bed", on: TourAsked.self, emits: BedTaken.self, orElse: BedRefused.self,
        undone: BedLeft.self, actsOutside: false)
    private static let seat = Leg(
        "take", by: "seat", on: TourAsked.self, emits: SeatTaken.self, orElse: SeatRefused.self,
        undone: SeatLeft.self)
    private static let guide = Leg(
        "hire", by: "guide", on: BedTaken.self, SeatTaken.self, emits: GuideHired.self,
        orElse: GuideRefused.self, undone: GuideDismissed.self)
    private static let guidedEnds = RouteOwner(
        "tour", begins: TourAsked.self, completes: TourBooked.self, on: GuideHired.self,
        cancelled: TourCancelled.self, request: TourCancellationRequested.self)
    private static let aloneEnds = RouteOwner(
        "tour", begins: TourAsked.self, completes: TourBooked.self,
        on: BedTaken.self, SeatTaken.self, cancelled: TourCancelled.self,
        request: TourCancellationRequested.self)
}
