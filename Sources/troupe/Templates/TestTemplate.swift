/// The tests of a new package.
let testTemplate = #"""
    import Saga
    import SagaTestKit
    import Testing

    @testable import Trips

    /// A trip in memory, in virtual time: no Redis, and no waiting.
    @Suite(.timeLimit(.minutes(1)))
    struct TripTests {
        private let all = [TripSaga.trips, TripSaga.hotels, TripSaga.flights, TripSaga.cars]

        @Test func theServicesFit() {
            #expect(Participant.faults(between: all) == [])
        }

        @Test func aTripIsBookedOnceAllOfItIs() async throws {
            let rehearsal = try SagaRehearsal(all)
            try await rehearsal.begin("rome", TripRequested(city: "Rome"))
            #expect(try await rehearsal.ending(of: "rome") == .completed)

            #expect(
                Set(rehearsal.events(of: "rome").prefix(3).dropFirst()) == [
                    HotelBooked.type, FlightBooked.type,
                ])
            #expect(rehearsal.events(of: "rome").suffix(2) == [CarBooked.type, TripBooked.type])
            #expect(agency.standing("rome").count == 3)
        }

        @Test func withoutARoomNothingStaysBooked() async throws {
            let rehearsal = try SagaRehearsal(all)
            try await rehearsal.begin("vain", TripRequested(city: "nowhere"))
            #expect(try await rehearsal.ending(of: "vain") == .cancelled)

            let ends = try rehearsal.events(TripCancelled.self, of: "vain")
            #expect(ends.map(\.reason) == ["no_room"])
            #expect(agency.standing("vain") == [])
        }

        /// The others are not there: the test says what they would.
        @Test func aRefusedCarGivesTheRoomBack() async throws {
            let rehearsal = try SagaRehearsal(TripSaga.hotels)
            try await rehearsal.say(TripRequested(city: "Oslo"), of: "oslo")
            try await rehearsal.settle()
            #expect(agency.standing("oslo").count == 1)

            try await rehearsal.say(CarRefused(reason: "no_car", detail: ""), of: "oslo")
            try await rehearsal.settle()
            #expect(rehearsal.events(of: "oslo").last == HotelCancelled.type)
            #expect(agency.standing("oslo") == [])
        }

        /// Nobody lets cars; half a minute passes at once.
        @Test func aTripThatTakesTooLongIsCancelled() async throws {
            let rehearsal = try SagaRehearsal(TripSaga.trips, TripSaga.hotels, TripSaga.flights)
            try await rehearsal.begin("late", TripRequested(city: "Bern"))
            try await rehearsal.settle()
            #expect(rehearsal.deadline(of: "late") == .seconds(30))

            try await rehearsal.pass(.seconds(30))
            #expect(try await rehearsal.status(of: "late") == .cancelling)
            #expect(agency.standing("late") == [])
        }
    }

    """#
