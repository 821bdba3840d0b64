import Saga

struct BreakfastLaid: SagaEvent { static let owner = "kitchen" }
struct BreakfastRefused: FailureEvent { static let owner = "kitchen"; var reason, detail: String }
struct BreakfastCleared: UndoneEvent { static let owner = "kitchen" }
struct BreakfastSkipped: SkippedEvent { static let owner = "kitchen" }

enum BreakfastSaga {
    static let lay = Leg(
        "lay", by: "kitchen", on: RoomHeld.self, emits: BreakfastLaid.self,
        orElse: BreakfastRefused.self, undone: BreakfastCleared.self
    )
    .when("wanted", otherwise: BreakfastSkipped.self) { $0.room != "without breakfast" }
    static let ends = RouteOwner(
        "desk", begins: StayAsked.self, completes: StayAgreed.self, on: BreakfastLaid?.self,
        cancelled: StayCancelled.self, request: StayWithdrawn.self)
    static let route = Route("stay", owner: ends) {
        StaySaga.hold
        lay
    }
}
