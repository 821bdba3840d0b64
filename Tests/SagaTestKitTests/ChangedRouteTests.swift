import CloudEvents
import Saga
import SagaTestKit
import Testing

private protocol InsurerEvent: SagaEvent {}
extension InsurerEvent { static var owner: String { "insurers" } }
private struct TripInsured: InsurerEvent {}
private struct InsuranceRefused: InsurerEvent, FailureEvent { var reason, detail: String }
private struct InsuranceEnded: InsurerEvent, UndoneEvent {}

private protocol CheckerEvent: SagaEvent {}
extension CheckerEvent { static var owner: String { "checkers" } }
private struct TripChecked: CheckerEvent {}
private struct CheckRefused: CheckerEvent, FailureEvent { var reason, detail: String }

/// A route changes while sagas run: each waits for those with whom it began.
@Suite(.timeLimit(.minutes(5)))
struct ChangedRouteTests {
    private static let insure = Leg(
        "insure", by: "insurers", on: CarBooked.self, emits: TripInsured.self,
        orElse: InsuranceRefused.self, undone: InsuranceEnded.self)
    private static let insuredEnds = RouteOwner(
        "trips", begins: TripRequested.self, completes: TripBooked.self, on: TripInsured.self,
        cancelled: TripCancelled.self, request: TripCancellationRequested.self)
    private static let insured = Route("trip", owner: insuredEnds) {
        TripSaga.hotel
        TripSaga.flight
        TripSaga.car
        insure
    }
    /// The room is booked once the trip is checked, and no more when it is asked for.
    private static let checked = Route("trip", owner: carEnds) {
        Leg(
            "check", by: "checkers", on: TripRequested.self, emits: TripChecked.self,
            orElse: CheckRefused.self)
        Leg(
            "hotel", by: "hotels", on: TripChecked.self, emits: HotelBooked.self,
            orElse: HotelRefused.self, undone: HotelCancelled.self)
        Leg(
            "flight", by: "flights", on: TripChecked.self, emits: FlightBooked.self,
            orElse: FlightRefused.self, undone: FlightCancelled.self)
        TripSaga.car
    }
    private static let carEnds = TripSaga.ends
    private static let onFootEnds = RouteOwner(
        "trips", begins: TripRequested.self, completes: TripBooked.self,
        on: HotelBooked.self, FlightBooked.self, cancelled: TripCancelled.self,
        request: TripCancellationRequested.self)
    private static let onFoot = Route("trip", owner: onFootEnds) {
        TripSaga.hotel
        TripSaga.flight
    }
    private static let onFootNow = Route("trip", owner: onFootEnds) {
        TripSaga.hotel
        TripSaga.flight
        FormerLeg("car", by: "cars", orElse: CarRefused.self, undone: CarCancelled.self)
    }

    @Test func theLedgerOfASagaNotesWhoTakesPart() async throws {
        let rig = try TripRig()
        _ = try await rig.runtime(TripSaga.trips).begin("1", TripRequested(city: "Rome"))

        #expect(rig.life("1").state == "pending")
        #expect(
            rig.life("1").note
                == RouteDigest(TripSaga.route).hexadecimal + " cars,flights,hotels")
    }

    /// Two trips that are being cancelled: `1` began before the route changed, `2` since.
    private static func cancelled(on route: Route) async throws -> TripRig {
        let rig = try TripRig()
        _ = try await rig.runtime(TripSaga.trips).begin("1", TripRequested(city: "Rome"))
        let trips = try rig.runtime(overseen(route))
        _ = try await trips.begin("2", TripRequested(city: "Rome"))
        for id in ["1", "2"] {
            _ = try await trips.requestCancellation(of: id, reason: BusinessFailure("asked"))
        }
        return rig
    }

    @Test func whoHasJoinedTheRouteSinceIsNotAwaited() async throws {
        let rig = try await Self.cancelled(on: Self.insured)

        #expect(rig.life("1").state == "cancelling:cars,flights,hotels")
        #expect(rig.life("2").state == "cancelling:cars,flights,hotels,insurers")
        try await rig.running(
            [Self.overseen(Self.insured), TripSaga.hotels, TripSaga.flights, TripSaga.cars]
        ) {
            let ending = try await rig.ending(of: "1")
            #expect(ending == "cancelled")
        }
        #expect(rig.life("2").state.hasPrefix("cancelling:cars,flights,hotels,insurers"))
    }

    /// Who undoes on the failure may be another question on the route of before.
    @Test func aFailureTellsAllWhoTookPartThenAlsoAfterAnEarlyAnswer() async throws {
        let rig = try TripRig()
        _ = try await rig.runtime(TripSaga.trips).begin("1", TripRequested(city: "Rome"))
        let trips = Self.overseen(Self.insured)

        try await rig.running([trips]) {
            try rig.say(HotelCancelled(), of: "1")
            try await rig.until("the answer is kept") {
                rig.life("1").state == "pending+hotels"
            }
            try rig.say(CarRefused(reason: "no_car", detail: ""), of: "1")
            try await rig.until("the refusal cancels") {
                rig.life("1").state == "cancelling:cars,flights,hotels+cars,hotels"
            }
        }

        #expect(rig.life("1").note == "no_car")
        let requests = rig.server.contents.events("TripCancellationRequested", owner: "trips")
        #expect(requests.map(\.correlationID) == ["1"])
    }

    /// What goes first now followed then: its failure says nothing of the others.
    @Test func aFailureOfALegThatWasPutInFrontLeavesNothingStanding() async throws {
        let rig = try TripRig()
        _ = try await rig.runtime(TripSaga.trips).begin("front", TripRequested(city: "Rome"))
        try await rig.running([TripSaga.hotels]) {
            try await rig.until("the room is booked") { agency.standing("front").count == 1 }
        }
        let checked = Self.overseen(Self.checked)
        try rig.say(CheckRefused(reason: "no_money", detail: ""), of: "front")

        try await rig.running([checked, TripSaga.hotels, TripSaga.flights, TripSaga.cars]) {
            let ending = try await rig.ending(of: "front")
            #expect(ending == "cancelled")
        }

        #expect(agency.standing("front") == [])
    }

    @Test func whoHasLeftTheRouteSinceIsAwaitedAsAFormerLeg() async throws {
        let rig = try await Self.cancelled(on: Self.onFootNow)

        #expect(rig.life("1").state == "cancelling:cars,flights,hotels")
        #expect(rig.life("2").state == "cancelling:flights,hotels")
        try await rig.running(
            [Self.overseen(Self.onFootNow), TripSaga.hotels, TripSaga.flights, TripSaga.cars]
        ) {
            let ending = try await rig.ending(of: "1")
            #expect(ending == "cancelled")
        }
    }

    @Test func aSagaOfWhoIsForgottenIsNotCancelledWithoutHim() async throws {
        let rig = try TripRig()
        _ = try await rig.runtime(TripSaga.trips).begin("1", TripRequested(city: "Rome"))
        let trips = try rig.runtime(Self.overseen(Self.onFoot))

        let error = await #expect(throws: SagaError.self) {
            try await trips.requestCancellation(of: "1", reason: BusinessFailure("asked"))
        }

        #expect(error?.message.contains("the saga began with 'cars'") == true)
        #expect(rig.life("1").state == "pending")
    }

    @Test func aPivotWaitsForAllItsEvents() async throws {
        let rig = try TripRig()
        let trips = try rig.runtime(Self.overseen(Self.onFoot))
        _ = try await trips.begin("1", TripRequested(city: "Rome"))

        try await rig.running([Self.overseen(Self.onFoot)]) {
            try rig.say(FlightBooked(seat: "2A"), of: "1")
            try await rig.until("the flight is kept") {
                rig.server.contents.ledger("trips", "1")["join:lifecycle"] != nil
            }
            let status = try await trips.status(of: "1")
            #expect(status == .pending)
            try rig.say(HotelBooked(room: "1"), of: "1")
            let ending = try await rig.ending(of: "1")
            #expect(ending == "completed")
        }
    }

    private static func overseen(_ route: Route) -> Participant {
        Participant(route, "trips") {
            if route.ends.pivot.count > 1 {
                Oversee(onFootEnds) { _, _ in Transition(TripBooked()) }
            } else if route.ends.pivot[0].type == CarBooked.type {
                Oversee(carEnds) { _, _ in Transition(TripBooked()) }
            } else {
                Oversee(insuredEnds) { _, _ in Transition(TripBooked()) }
            }
        }
    }
}
