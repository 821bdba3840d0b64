import CloudEvents
import Saga
import SagaTestKit
import Testing

/// A saga as a user writes one: two legs side by side, and one that waits for both.
@Suite(.timeLimit(.minutes(5)))
struct TripSagaTests {
    private static let all = [TripSaga.trips, TripSaga.hotels, TripSaga.flights, TripSaga.cars]

    @Test func itsParticipantsFit() {
        #expect(Participant.faults(between: Self.all) == [])
    }

    /// A process with fewer slots than it reads streams goes on to the next stream at once.
    @Test func oneSlotIsEnough() async throws {
        var configuration = SagaRuntimeConfiguration()
        configuration.concurrency = 1
        let rehearsal = try SagaRehearsal(Self.all, configuration: configuration)
        for number in 0..<10 {
            try await rehearsal.begin("one-\(number)", TripRequested(city: "Rome"))
        }
        try await rehearsal.settle()

        for number in 0..<10 {
            #expect(try await rehearsal.status(of: "one-\(number)") == .completed)
        }
        #expect(rehearsal.elapsed < .seconds(2), "\(rehearsal.elapsed)")
    }

    @Test func aTripIsBookedOnceAllItsLegsAre() async throws {
        let rig = try TripRig()
        let trips = try rig.runtime(TripSaga.trips)
        try await rig.running(Self.all) {
            _ = try await trips.begin("booked", TripRequested(city: "Rome"))

            let ending = try await rig.ending(of: "booked")
            #expect(ending == "completed")
        }
        #expect(agency.standing("booked").count == 3)
    }

    @Test func aTripWithoutAHotelLeavesNothingBooked() async throws {
        let rig = try TripRig()
        let trips = try rig.runtime(TripSaga.trips)
        try await rig.running(Self.all) {
            _ = try await trips.begin("cancelled", TripRequested(city: "nowhere"))

            let ending = try await rig.ending(of: "cancelled")
            #expect(ending == "cancelled")
        }
        #expect(agency.standing("cancelled") == [])
        let ends = rig.server.contents.events("TripCancelled", owner: "trips")
        let reasons = ends.map { String(decoding: $0.data, as: UTF8.self) }
        #expect(reasons.count == 1 && reasons[0].contains("no_room"))
    }

    /// Who keeps what the owner says of a trip hears of each change, of this one too.
    @Test func thatATripIsBeingCancelledIsToldOnceAndBeforeItIsCancelled() async throws {
        let rig = try TripRig()
        let owner = Participant(TripSaga.route, "trips") {
            Oversee(TripSaga.ends) { _, _ in Transition(TripBooked()) }
                .cancelling { _, context in
                    Changes { $0.set("trip:\(context.sagaID)", ["status": "cancelling"]) }
                }
        }
        let trips = try rig.runtime(owner)
        for trip in ["waits", "at-once"] {
            _ = try await trips.begin(trip, TripRequested(city: "Rome"))
        }

        try await rig.running([owner]) {
            try rig.say(HotelCancelled(), of: "at-once")
            try rig.say(FlightCancelled(), of: "at-once")
            try await rig.until("two have answered") {
                rig.life("at-once").state == "pending+flights,hotels"
            }
            for trip in ["waits", "at-once"] {
                try rig.say(CarRefused(reason: "no_car", detail: "None left."), of: trip)
            }
            let ending = try await rig.ending(of: "at-once")
            #expect(ending == "cancelled")
            try await rig.until("the other waits") {
                rig.life("waits").state.hasPrefix("cancelling:")
            }

            #expect(rig.server.contents.events("TripCancelled", owner: "trips").count == 1)
            let told = rig.server.contents.events("TripsCancelling", owner: "trips")
            #expect(told.map(\.correlationID) == ["waits"])
            #expect(
                told.map { String(decoding: $0.data, as: UTF8.self) }
                    == [#"{"reason":"no_car","detail":"None left."}"#])

            try rig.say(HotelCancelled(), of: "waits")
            try rig.say(FlightCancelled(), of: "waits")
            let end = try await rig.ending(of: "waits")
            #expect(end == "cancelled")
        }
        #expect(rig.server.contents.events("TripsCancelling", owner: "trips").count == 1)
        #expect(rig.server.contents.events("TripCancelled", owner: "trips").count == 2)
    }

    /// Each of the two events comes twice, in every order; a copy may come after the car is booked.
    @Test(arguments: ["HFHF", "HHFF", "HFFH", "FHFH", "FFHH", "FHHF"])
    func aLegThatWaitsForTwoEventsRunsOnceInWhateverOrderTheyCome(_ order: String) async throws {
        let rig = try TripRig()
        let trip = "order-\(order)"
        let trips = try rig.runtime(TripSaga.trips)
        _ = try await trips.begin(trip, TripRequested(city: "Rome"))
        let hotel = try event("HotelBooked", of: trip, HotelBooked(room: "1"))
        let flight = try event("FlightBooked", of: trip, FlightBooked(seat: "2A"))

        for letter in order {
            try await rig.running([TripSaga.trips, TripSaga.cars]) {
                let (event, owner) = letter == "H" ? (hotel, "hotels") : (flight, "flights")
                try rig.say([event], owner: owner)
                try await rig.until("it is dealt with") {
                    let stream = rig.server.contents.streams["\(owner):\(event.type)"]
                    guard let group = stream?.groups["cars"] else { return false }
                    return group.lastDelivered == stream?.lastNumber && group.pending.isEmpty
                }
            }
        }
        try await rig.running([TripSaga.trips, TripSaga.cars]) {
            let ending = try await rig.ending(of: trip)
            #expect(ending == "completed")
        }

        #expect(agency.standing(trip).count == 1)
        #expect(rig.server.contents.events("CarBooked", owner: "cars").count == 1)
        #expect((rig.server.contents.letters["cars"] ?? []).isEmpty)
    }

    private func event(
        _ type: String, of trip: String, _ payload: some SagaEvent
    ) throws -> CloudEvent {
        CloudEvent(
            source: "/agency", type: type, subject: trip, route: "trip",
            data: try EventPayload.encode(payload))
    }
}
