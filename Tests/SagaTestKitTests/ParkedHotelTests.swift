import CloudEvents
import Saga
import SagaTestKit
import Testing

/// A hotel of which only a person can find out whether it has booked.
@Suite(.timeLimit(.minutes(1)))
struct ParkedHotelTests {
    private static let question = "Did the hotel book a room? Ring the reception."

    @Test func itIsShownWithItsQuestionAndNeitherUndoneNorTriedAgain() async throws {
        let hotel = SilentHotel([.booksAndIsSilent])
        let rehearsal = try await parked(hotel)
        let calls = hotel.calls("book")

        // Each play starts all of them anew.
        try await rehearsal.pass(.seconds(600))
        try await rehearsal.pass(.seconds(600))

        #expect(rehearsal.blocked("1") == ["hotels"])
        #expect(debt(in: rehearsal)?.question == Self.question)
        #expect(hotel.calls("book") == calls)
        #expect(hotel.calls("cancel") == 0)
        #expect(rehearsal.letters.isEmpty)
        #expect(try await rehearsal.status(of: "1") == .pending)
    }

    @Test func whoSaysThatItIsDoneLetsTheSagaGoOn() async throws {
        let hotel = SilentHotel([.booksAndIsSilent])
        let rehearsal = try await parked(hotel)

        try await rehearsal.resolve("hotel", of: "1", isDone: true)

        #expect(try await rehearsal.ending(of: "1") == .completed)
        #expect(try rehearsal.events(HotelBooked.self, of: "1").map(\.room) == ["of Rome"])
        #expect(hotel.standing.count == 1)
        #expect(rehearsal.blocked("1").isEmpty)
    }

    @Test func whoSaysThatItIsUndoneLetsItFailAndNobodyIsCalled() async throws {
        let hotel = SilentHotel([.isSilent])
        let rehearsal = try await parked(hotel)

        try await rehearsal.resolve("hotel", of: "1", isDone: false, reason: "they never heard")

        #expect(try await rehearsal.ending(of: "1") == .cancelled)
        let refusals = try rehearsal.events(HotelRefused.self, of: "1")
        #expect(refusals.map(\.reason) == ["declared_undone"])
        // Clients see the failure, and not what the person had to say.
        #expect(refusals.map { $0.detail.contains("never heard") } == [false])
        let word = rehearsal.server.contents.ledger("hotels", "1")["resolved:hotel"] ?? ""
        #expect(LedgerEntry(word).note == "they never heard")
        #expect(hotel.calls("cancel") == 0)
    }

    @Test func aCancellationWaitsForThePersonAndSaysForWhom() async throws {
        let hotel = SilentHotel([.booksAndIsSilent])
        let rehearsal = try await parked(hotel)

        try await rehearsal.requestCancellation(of: "1")
        try await rehearsal.pass(.seconds(3_600))

        #expect(try await rehearsal.status(of: "1") == .cancelling)
        let life = rehearsal.server.contents.ledger("trips", "1")["lifecycle"] ?? ""
        let state = try #require(LifecycleState(text: LedgerEntry(life).state))
        #expect(state.awaited.subtracting(state.answered) == ["hotels"])
        #expect(rehearsal.blocked("1") == ["hotels"])
        #expect(hotel.calls("cancel") == 0)

        try await rehearsal.resolve("hotel", of: "1", isDone: true)

        #expect(try await rehearsal.ending(of: "1") == .cancelled)
        #expect(hotel.standing.isEmpty)
        #expect(hotel.calls("cancel") == 1)
        #expect(try rehearsal.events(HotelBooked.self, of: "1").isEmpty)
    }

    @Test func aDeadlineWaitsForThePersonToo() async throws {
        let hotel = SilentHotel([.booksAndIsSilent])
        let rehearsal = try await parked(hotel, trips: TripSaga.trips)

        try await rehearsal.pass(.seconds(3_600))

        #expect(try await rehearsal.status(of: "1") == .cancelling)
        #expect(hotel.calls("cancel") == 0)
        try await rehearsal.resolve("hotel", of: "1", isDone: false)
        #expect(try await rehearsal.ending(of: "1") == .cancelled)
        #expect(hotel.calls("cancel") == 0)
    }

    @Test func whatAWordHasBroughtIsNotTakenBack() async throws {
        let hotel = SilentHotel([.booksAndIsSilent])
        let rehearsal = try await parked(hotel)

        try await rehearsal.resolve("hotel", of: "1", isDone: true)
        #expect(try await rehearsal.ending(of: "1") == .completed)
        try await rehearsal.resolve("hotel", of: "1", isDone: false)
        try await rehearsal.settle()

        #expect(try await rehearsal.status(of: "1") == .completed)
        #expect(rehearsal.letters.isEmpty)
        #expect(hotel.standing.count == 1)
    }

    /// Who says that it acted does not know what it returned, and looks again.
    @Test func aWordWithoutEffectIsTakenBack() async throws {
        let hotel = SilentHotel([.isSilent])
        let rehearsal = try SagaRehearsal([
            SilentHotel.patientTrips, hotels(hotel, isFound: false), TripSaga.flights,
            TripSaga.cars,
        ])
        try await rehearsal.begin("1", TripRequested(city: "Rome"))
        try await rehearsal.pass(.seconds(10))
        try await rehearsal.resolve("hotel", of: "1", isDone: true)
        try await rehearsal.pass(.seconds(60))
        #expect(rehearsal.blocked("1") == ["hotels"])

        try await rehearsal.resolve("hotel", of: "1", isDone: false)

        #expect(try await rehearsal.ending(of: "1") == .cancelled)
        #expect(hotel.calls("cancel") == 0)
        #expect(rehearsal.letters.isEmpty)
    }

    @Test func aRefusalAfterATryWithoutAnEndIsNoQuestion() async throws {
        let hotel = SilentHotel([.booksAndIsSilent, .refuses])
        let rehearsal = try rehearsal(hotel, trips: SilentHotel.patientTrips)
        try await rehearsal.begin("1", TripRequested(city: "Rome"))

        #expect(try await rehearsal.ending(of: "1") == .cancelled)

        #expect(hotel.standing.isEmpty)
        #expect(rehearsal.blocked("1").isEmpty)
    }

    @Test func whatIsNoRequestBecomesALetter() async throws {
        let rehearsal = try await parked(SilentHotel([.isSilent]))
        try rehearsal.server.change { data throws(SagaError) in
            for step in [#"{"step":"x","outcome":"done","reason":"r"}"#, "{}"] {
                let event = CloudEvent(
                    source: "/troupe", type: "ResolveStep", subject: "1", data: Array(step.utf8))
                data.append(event.json(), sagaID: "1", to: "hotels:again")
            }
            let other = CloudEvent(
                source: "/troupe", type: "Other", subject: "1", data: Array("{}".utf8))
            data.append(other.json(), sagaID: "1", to: "hotels:again")
        }

        try await rehearsal.settle()

        let codes = rehearsal.letters.map { $0.split(separator: ":")[1].dropFirst() }
        #expect(codes.sorted() == ["contradiction", "undecodable", "unknown_type"])
        #expect(rehearsal.blocked("1") == ["hotels"])
    }

    @Test func whoAsksNobodyReadsNoRequests() throws {
        let plans = try [TripSaga.hotels, hotels(SilentHotel([.books]))].map {
            try ParticipantPlan($0)
        }

        #expect(plans.map { $0.consumed["again"] != nil } == [false, true])
        #expect(
            plans.map { Declaration($0).consumes.contains { $0.contains("again") } }
                == [false, false])
        let asks = plans.map { Declaration($0).asks }
        #expect(asks == [[], ["trip.hotel"]])
    }

    /// The word does not help the first one, so nothing that kept it has ended.
    @Test func aWordHasOnlyItsOwnSagaTriedAgain() async throws {
        var configuration = SagaRuntimeConfiguration()
        configuration.blockedRetry = RetrySchedule(
            pauseMinimum: .seconds(3_600), pauseMaximum: .seconds(3_600))
        let hotels = hotels(SilentHotel([.booksAndIsSilent]), isFound: false)
        let rehearsal = try SagaRehearsal(
            [SilentHotel.patientTrips, hotels, TripSaga.flights, TripSaga.cars],
            configuration: configuration)
        for id in ["1", "2"] { try await rehearsal.begin(id, TripRequested(city: "Rome")) }
        try await rehearsal.pass(.seconds(10))
        let before = ["1", "2"].map { debt(of: $0, in: rehearsal)?.tries }

        try await rehearsal.resolve("hotel", of: "1", isDone: true)
        try await rehearsal.pass(.seconds(60))

        let after = ["1", "2"].map { debt(of: $0, in: rehearsal)?.tries }
        #expect(before == [1, 1])
        #expect(after == [2, 1])
    }

    // MARK: - What they have in common

    private func parked(
        _ hotel: SilentHotel, trips: Participant = SilentHotel.patientTrips
    ) async throws -> SagaRehearsal {
        let rehearsal = try rehearsal(hotel, trips: trips)
        try await rehearsal.begin("1", TripRequested(city: "Rome"))
        try await rehearsal.pass(.seconds(10))
        #expect(rehearsal.blocked("1") == ["hotels"])
        return rehearsal
    }

    private func rehearsal(_ hotel: SilentHotel, trips: Participant) throws -> SagaRehearsal {
        try SagaRehearsal([trips, hotels(hotel), TripSaga.flights, TripSaga.cars])
    }

    private func hotels(_ hotel: SilentHotel, isFound: Bool = true) -> Participant {
        Participant(TripSaga.route, "hotels") {
            Perform(
                TripSaga.hotel, giveUpAfter: .seconds(2),
                whenUnknown: .park(Self.question) { trip, _ in
                    guard isFound else { throw SilentHotel.Silence() }
                    return Transition(HotelBooked(room: "of \(trip.city)"))
                }
            ) { _, context in
                try hotel.book(context.idempotencyKey)
                return Transition(HotelBooked(room: "booked"))
            } undo: { context in
                try hotel.cancel(context.idempotencyKey)
            }
        }
    }

    private func debt(of saga: String = "1", in rehearsal: SagaRehearsal) -> Debt? {
        rehearsal.server.contents.ledger("hotels", saga)[Debt.field(of: "hotel")].flatMap {
            Debt(sagaID: saga, step: "hotel", text: $0)
        }
    }
}
