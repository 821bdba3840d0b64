import Saga
import SagaTestKit
import Synchronization
import Testing

/// A hotel that may be called so often, and counts as down after accidents in a row.
@Suite(.timeLimit(.minutes(1)))
struct OutsideCompanyTests {
    @Test func noMoreCallsBeginInASecondThanTheCompanyTakes() async throws {
        let hotel = CountedHotel()
        let rehearsal = try rehearsal(hotel, OutsideCompany("hotel", callsPerSecond: 10))
        for id in 0..<50 { try await rehearsal.begin("\(id)", TripRequested(city: "Rome")) }

        try await rehearsal.settle()

        let times = hotel.times("book")
        #expect(times.count == 50)
        for (index, time) in times.enumerated() {
            #expect(times[index...].prefix { $0 - time < .seconds(1) }.count <= 10)
        }
        #expect(rehearsal.elapsed < .seconds(8))
    }

    /// Fifty wait for a minute in all; a step gives up after two seconds here.
    @Test func waitingForTheRateIsNoAttempt() async throws {
        let hotel = CountedHotel()
        let rehearsal = try rehearsal(hotel, OutsideCompany("hotel", callsPerSecond: 1))
        for id in 0..<50 { try await rehearsal.begin("\(id)", TripRequested(city: "Rome")) }

        for id in 0..<50 { #expect(try await rehearsal.ending(of: "\(id)") == .completed) }

        #expect(hotel.times("book").count == 50)
        #expect(hotel.times("cancel").isEmpty)
    }

    /// The last of them would wait for half a minute, and the rig's clock stops after five seconds.
    ///
    /// Also when more wait than may: what undoes them is read all the same.
    @Test(arguments: [8192, 4])
    func whoWaitsForTheRateIsCalledOffAndHasDoneNothing(_ parkedMaximum: Int) async throws {
        var configuration = SagaRuntimeConfiguration()
        configuration.parkedMaximum = parkedMaximum
        let rig = try TripRig(configuration)
        let hotel = CountedHotel()
        let trips = try rig.runtime(TripSaga.trips)
        try await rig.running([
            TripSaga.trips, hotels(hotel, OutsideCompany("hotel", callsPerSecond: 1)),
            TripSaga.flights, TripSaga.cars,
        ]) {
            for id in 0..<30 { _ = try await trips.begin("\(id)", TripRequested(city: "Rome")) }
            try await rig.until("they are read") { hotel.times("book").count == 2 }
            let late = (0..<30).map { "\($0)" }.filter { id in
                rig.server.contents.ledger("hotels", id)["hotel"] == nil
            }
            for id in late {
                _ = try await trips.requestCancellation(of: id, reason: BusinessFailure("x"))
            }

            for id in late {
                let ending = try await rig.ending(of: id)
                #expect(ending == "cancelled")
                let ledger = rig.server.contents.ledger("hotels", id)["hotel"] ?? ""
                #expect(LedgerEntry(ledger).state == "tombstone")
            }
        }

        #expect(hotel.times("book").count < 6)
        #expect(hotel.times("cancel").isEmpty)
    }

    /// Each play ends with a stop, and begins with a start.
    @Test func aStopLetsGoOfThoseThatWaitForTheRate() async throws {
        let hotel = CountedHotel()
        let rehearsal = try rehearsal(hotel, OutsideCompany("hotel", callsPerSecond: 1))
        for id in 0..<20 { try await rehearsal.begin("\(id)", TripRequested(city: "Rome")) }

        for _ in 0..<3 { try await rehearsal.pass(.seconds(1)) }

        #expect(hotel.times("book").count < 9)
        for id in 0..<20 { #expect(try await rehearsal.ending(of: "\(id)") == .completed) }
        #expect(hotel.times("book").count == 20)
    }

    @Test func aCompanyThatIsDownIsTriedByOneAndCalledByAllOnceItIsWell() async throws {
        let hotel = CountedHotel()
        hotel.isDown(true)
        let rehearsal = try rehearsal(
            hotel, OutsideCompany("hotel", opensAfter: 5, pauses: .seconds(1) ... .seconds(4)))
        for id in 0..<40 { try await rehearsal.begin("\(id)", TripRequested(city: "Rome")) }

        try await rehearsal.pass(.seconds(40))

        // Forty at once before it opens, and then about one in four seconds.
        #expect(hotel.times("book").count < 60)
        #expect(hotel.times("cancel").isEmpty)
        hotel.isDown(false)
        for id in 0..<40 { #expect(try await rehearsal.ending(of: "\(id)") == .completed) }
        #expect(hotel.times("cancel").isEmpty, "giveUpAfter did not run")
    }

    /// It is tried again all the time, and nobody else has met with anything.
    @Test func whatOneSagaRepeatsOpensNothingForOthers() async throws {
        let hotel = CountedHotel()
        hotel.isDown(true)
        let rehearsal = try rehearsal(
            hotel, OutsideCompany("hotel", opensAfter: 3, pauses: .seconds(60) ... .seconds(60)))
        try await rehearsal.begin("1", TripRequested(city: "Rome"))
        try await rehearsal.pass(.seconds(1))
        #expect(hotel.times("book").count > 3)

        hotel.isDown(false)
        try await rehearsal.begin("2", TripRequested(city: "Rome"))

        #expect(try await rehearsal.ending(of: "2") == .completed)
        #expect(rehearsal.elapsed < .seconds(30))
    }

    @Test func aFailureForTheBusinessIsNoAccident() async throws {
        let hotel = CountedHotel()
        hotel.refuses()
        let rehearsal = try rehearsal(hotel, OutsideCompany("hotel", opensAfter: 2))
        for id in 0..<20 { try await rehearsal.begin("\(id)", TripRequested(city: "Rome")) }

        for id in 0..<20 { #expect(try await rehearsal.ending(of: "\(id)") == .cancelled) }

        #expect(hotel.times("book").count == 20)
        #expect(rehearsal.elapsed < .seconds(1))
    }

    @Test func whatIsNotSentByUsIsNoAccident() async throws {
        let hotel = CountedHotel()
        hotel.cannotBeReached(for: 30)
        let rehearsal = try rehearsal(
            hotel, OutsideCompany("hotel", opensAfter: 2, pauses: .seconds(60) ... .seconds(60)))
        try await rehearsal.begin("1", TripRequested(city: "Rome"))

        #expect(try await rehearsal.ending(of: "1") == .completed)
        #expect(rehearsal.elapsed < .seconds(60))
    }

    /// What is to be undone does not hold a company up that is down: it is owed at once.
    @Test func whatUndoesIsParkedAtOnceWhileTheCompanyIsDown() async throws {
        let hotel = CountedHotel()
        let rehearsal = try rehearsal(
            hotel, OutsideCompany("hotel", opensAfter: 1, pauses: .seconds(30) ... .seconds(60)),
            cars: Self.noCars)
        for id in ["1", "2"] { try await rehearsal.begin(id, TripRequested(city: "Rome")) }
        try await rehearsal.pass(.seconds(1))
        #expect(hotel.times("book").count == 2)
        hotel.isDown(true)
        for id in ["1", "2"] { try await rehearsal.requestCancellation(of: id) }

        try await rehearsal.pass(.seconds(5))

        #expect(hotel.times("cancel").count <= 2, "both may have begun before it opened")
        #expect(rehearsal.blocked("1") == ["hotels"])
        #expect(rehearsal.blocked("2") == ["hotels"])
        try await rehearsal.pass(.seconds(120))
        let calls = hotel.times("cancel").count + hotel.times("book").count
        #expect(calls < 10, "one tries now and then: \(calls)")
        hotel.isDown(false)
        for id in ["1", "2"] { #expect(try await rehearsal.ending(of: id) == .cancelled) }
    }

    @Test func whatMakesNoSenseIsAFault() throws {
        func faults(_ company: OutsideCompany) -> [String] {
            hotels(CountedHotel(), company).faults
        }

        #expect(faults(OutsideCompany("hotel")).isEmpty)
        #expect(faults(OutsideCompany("a b")).count == 1)
        #expect(faults(OutsideCompany("hotel", callsPerSecond: 0)).count == 1)
        #expect(faults(OutsideCompany("hotel", opensAfter: 0)).count == 1)
        #expect(faults(OutsideCompany("hotel", pauses: .zero ... .zero)).count == 1)
    }

    // MARK: - What they have in common

    private func rehearsal(
        _ hotel: CountedHotel, _ company: OutsideCompany,
        cars: Participant = TripSaga.cars
    ) throws -> SagaRehearsal {
        var configuration = SagaRuntimeConfiguration()
        configuration.unsentGiveUpAfter = .seconds(600)
        let rehearsal = try SagaRehearsal(
            [SilentHotel.patientTrips, hotels(hotel, company), TripSaga.flights, cars],
            configuration: configuration)
        hotel.runs(on: rehearsal.clock)
        return rehearsal
    }

    /// Nobody can be asked for a car.
    private static let noCars = Participant(TripSaga.route, "cars") {
        Perform(TripSaga.car) { _, _ in
            throw NothingSent("no connection")
        } undo: { _ in
        }
    }

    private func hotels(_ hotel: CountedHotel, _ company: OutsideCompany) -> Participant {
        Participant(TripSaga.route, "hotels") {
            Perform(TripSaga.hotel, giveUpAfter: .seconds(2), calls: company) { _, _ in
                try hotel.call("book")
                return Transition(HotelBooked(room: "1"))
            } undo: { _ in
                try hotel.call("cancel")
            }
        }
    }
}

/// A hotel that notes when it was called.
private final class CountedHotel: Sendable {
    struct Down: Error {}

    private struct State {
        var clock: VirtualClock?
        var calls: [(name: String, time: ContinuousClock.Instant)] = []
        var isDown = false
        var refuses = false
        var unreachable = 0
    }

    private let state = Mutex(State())

    func runs(on clock: VirtualClock) { state.withLock { $0.clock = clock } }
    func isDown(_ isDown: Bool) { state.withLock { $0.isDown = isDown } }
    func refuses() { state.withLock { $0.refuses = true } }
    func cannotBeReached(for tries: Int) { state.withLock { $0.unreachable = tries } }

    func times(_ name: String) -> [ContinuousClock.Instant] {
        state.withLock { $0.calls.filter { $0.name == name }.map(\.time) }
    }

    func call(_ name: String) throws {
        try state.withLock { state in
            if state.unreachable > 0 {
                state.unreachable -= 1
                throw NothingSent("no connection")
            }
            state.calls.append((name, state.clock?.now ?? .now))
            if state.isDown { throw Down() }
            if state.refuses, name == "book" { throw BusinessFailure("hotel_full") }
        }
    }
}
