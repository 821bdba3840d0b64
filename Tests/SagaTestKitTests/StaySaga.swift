import Saga

struct StayAsked: SagaEvent { static let owner = "desk"; var city: String }
struct StayAgreed: SagaEvent { static let owner = "desk" }
struct StayCancelled: ReasonEvent { static let owner = "desk"; var reason, detail: String }
struct StayWithdrawn: ReasonEvent { static let owner = "desk"; var reason, detail: String }
struct RoomHeld: SagaEvent { static let owner = "hotel"; var room: String }
struct RoomRefused: FailureEvent { static let owner = "hotel"; var reason, detail: String }
struct RoomFreed: UndoneEvent { static let owner = "hotel" }

enum StaySaga {
    static let hold = Leg(
        "hold", by: "hotel", on: StayAsked.self, emits: RoomHeld.self, orElse: RoomRefused.self,
        undone: RoomFreed.self)
    static let ends = RouteOwner(
        "desk", begins: StayAsked.self, completes: StayAgreed.self, on: RoomHeld.self,
        cancelled: StayCancelled.self, request: StayWithdrawn.self)
    static let route = Route("stay", owner: ends) { hold }
    static let desk = Participant(route, "desk") {
        Oversee(ends, deadline: .seconds(60)) { _, _ in Transition(StayAgreed()) }
    }
    static let hotel = Participant(route, "hotel") {
        Perform(hold, undo: agency.cancel) { stay, context in
            try await Transition(RoomHeld(room: agency.book(stay.city, context)))
        }
    }
}
