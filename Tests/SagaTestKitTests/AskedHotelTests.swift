import Saga
import SagaTestKit
import Synchronization
import Testing

/// A hotel that does not answer whether it has booked, and is asked.
@Suite(.timeLimit(.minutes(1)))
struct AskedHotelTests {
    @Test func whatActedIsDoneOnceWhoeverWasCalledHasSaidSo() async throws {
        let hotel = SilentHotel([.booksAndIsSilent])
        let rehearsal = try rehearsal(hotel)
        try await rehearsal.begin("1", TripRequested(city: "Rome"))

        #expect(try await rehearsal.ending(of: "1") == .completed)

        #expect(hotel.standing.count == 1)
        #expect(hotel.calls("cancel") == 0)
        #expect(try rehearsal.events(HotelBooked.self, of: "1").map(\.room) == ["found"])
    }

    @Test func whatHadNotActedIsPerformedAgainUnderTheSameKey() async throws {
        let hotel = SilentHotel([.isSilent, .isSilent, .isSilent, .isSilent, .books])
        let rehearsal = try rehearsal(hotel, giveUpAfter: .milliseconds(50))
        try await rehearsal.begin("1", TripRequested(city: "Rome"))

        #expect(try await rehearsal.ending(of: "1") == .completed)

        #expect(hotel.calls("ask") > 0)
        #expect(hotel.keys.count == 1, "\(hotel.keys)")
        #expect(hotel.standing.count == 1)
        #expect(hotel.calls("cancel") == 0)
    }

    /// That it cannot say yet is an answer: a company that answers is not taken for one that is
    /// down.
    @Test func whoCannotSayIsWell() async throws {
        let hotel = SilentHotel([.booksAndIsSilent])
        hotel.cannotSay(true)
        let company = OutsideCompany(
            "hotel", opensAfter: 3, pauses: .seconds(3_600) ... .seconds(3_600))
        let rehearsal = try rehearsal(hotel, calls: company)
        try await rehearsal.begin("1", TripRequested(city: "Rome"))
        try await rehearsal.pass(.seconds(120))
        let asked = hotel.calls("ask")
        #expect(asked > 3)

        hotel.cannotSay(false)

        #expect(try await rehearsal.ending(of: "1") == .completed)
    }

    /// A query that fails as a step does that nobody knows of has no answer.
    @Test func aQueryThatSaysNobodyKnowsIsAskedAgain() async throws {
        let hotel = SilentHotel([.booksAndIsSilent])
        let knows = Mutex(false)
        let rehearsal = try rehearsal(hotel) {
            if !knows.withLock({ $0 }) { throw BusinessFailure.outcomeUnknown }
        }
        try await rehearsal.begin("1", TripRequested(city: "Rome"))
        try await rehearsal.pass(.seconds(60))
        #expect(rehearsal.letters.isEmpty)
        #expect(rehearsal.blocked("1") == ["hotels"])

        knows.withLock { $0 = true }

        #expect(try await rehearsal.ending(of: "1") == .completed)
        #expect(hotel.calls("cancel") == 0)
    }

    /// It said that it had not, and the first call was on its way.
    @Test func aCallThatArrivesAfterTheAnswerIsTheSameCall() async throws {
        let hotel = SilentHotel([.booksLate, .books])
        let rehearsal = try rehearsal(hotel, giveUpAfter: .milliseconds(1))
        try await rehearsal.begin("1", TripRequested(city: "Rome"))

        #expect(try await rehearsal.ending(of: "1") == .completed)
        hotel.arriveLate()

        #expect(hotel.standing.count == 1)
        #expect(hotel.calls("cancel") == 0)
    }

    @Test func whoCannotSayIsAskedAgainAndTheSagaIsShownAsBlocked() async throws {
        let hotel = SilentHotel([.booksAndIsSilent])
        hotel.cannotSay(true)
        let rehearsal = try rehearsal(hotel)
        try await rehearsal.begin("1", TripRequested(city: "Rome"))

        try await rehearsal.pass(.seconds(120))

        #expect(rehearsal.blocked("1") == ["hotels"])
        #expect(hotel.calls("cancel") == 0)
        #expect(rehearsal.letters.isEmpty)

        hotel.cannotSay(false)
        #expect(try await rehearsal.ending(of: "1") == .completed)
        #expect(rehearsal.blocked("1").isEmpty)
        #expect(hotel.standing.count == 1)
    }

    @Test func aCancellationDoesNotWaitForTheAnswer() async throws {
        let hotel = SilentHotel([.booksAndIsSilent])
        hotel.cannotSay(true)
        let rehearsal = try rehearsal(hotel)
        try await rehearsal.begin("1", TripRequested(city: "Rome"))
        try await rehearsal.pass(.seconds(60))
        let asked = hotel.calls("book")

        try await rehearsal.requestCancellation(of: "1")

        #expect(try await rehearsal.ending(of: "1") == .cancelled)
        #expect(hotel.standing.isEmpty)
        #expect(hotel.calls("book") == asked)
        try await rehearsal.pass(.seconds(600))
        #expect(rehearsal.blocked("1").isEmpty)
        #expect(try rehearsal.events(HotelBooked.self, of: "1").isEmpty)
    }

    /// The undoing does not work either, when the cancellation comes; what is owed from before must
    /// not book again meanwhile.
    @Test func whatIsBeingCancelledIsNotPerformedAgain() async throws {
        let hotel = SilentHotel([.isSilent])
        hotel.cannotSay(true)
        hotel.cannotCancel(true)
        let rehearsal = try rehearsal(hotel)
        try await rehearsal.begin("1", TripRequested(city: "Rome"))
        try await rehearsal.pass(.seconds(60))
        let booked = hotel.calls("book")
        try await rehearsal.requestCancellation(of: "1")
        try await rehearsal.pass(.seconds(60))

        hotel.cannotSay(false)
        try await rehearsal.pass(.seconds(600))

        #expect(hotel.calls("book") == booked)
        #expect(try await rehearsal.status(of: "1") == .cancelling)
        hotel.cannotCancel(false)
        #expect(try await rehearsal.ending(of: "1") == .cancelled)
    }

    @Test func aRefusalByWhoIsAskedIsUndoneFirstAndIsTheReason() async throws {
        let hotel = SilentHotel([.isSilent])
        hotel.refusesWhenAsked()
        let rehearsal = try rehearsal(hotel)
        try await rehearsal.begin("1", TripRequested(city: "Rome"))

        #expect(try await rehearsal.ending(of: "1") == .cancelled)

        #expect(hotel.calls("cancel") == 1)
        #expect(try rehearsal.events(HotelRefused.self, of: "1").map(\.reason) == ["hotel_full"])
    }

    @Test func aRefusalOfTheSecondTryIsUndoneFirstAndIsTheReason() async throws {
        let hotel = SilentHotel([.booksLate, .refuses])
        let rehearsal = try rehearsal(hotel, giveUpAfter: .milliseconds(1))
        try await rehearsal.begin("1", TripRequested(city: "Rome"))

        #expect(try await rehearsal.ending(of: "1") == .cancelled)
        hotel.arriveLate()

        #expect(hotel.standing.isEmpty)
        #expect(hotel.calls("cancel") == 1)
        #expect(try rehearsal.events(HotelRefused.self, of: "1").map(\.reason) == ["hotel_full"])
    }

    /// As a second replica does that was refused, between the question and its answer.
    @Test func whatAnotherOneIsUndoingMeanwhileIsNotCalledDone() async throws {
        let hotel = SilentHotel([.booksAndIsSilent])
        let store = Mutex<MemoryServer?>(nil)
        let rehearsal = try rehearsal(hotel) {
            try store.withLock { $0 }?.change { data throws(SagaError) in
                let text = data.ledgers["hotels:1"]?["hotel"] ?? ""
                var entry = LedgerEntry(text)
                entry.note = "hotel_full"
                data.ledgers["hotels:1"]?["hotel"] = entry.text
            }
        }
        store.withLock { $0 = rehearsal.server }
        try await rehearsal.begin("1", TripRequested(city: "Rome"))

        #expect(try await rehearsal.ending(of: "1") == .cancelled)

        #expect(hotel.calls("ask") == 1)
        #expect(hotel.standing.isEmpty)
        #expect(try rehearsal.events(HotelBooked.self, of: "1").isEmpty)
        #expect(try rehearsal.events(HotelRefused.self, of: "1").map(\.reason) == ["hotel_full"])
    }

    @Test func whoUndoesHasSaidSoInTheLedgerBefore() async throws {
        let hotel = SilentHotel([.booksAndIsSilent, .refuses])
        hotel.refusesWhenAsked()
        let rehearsal = try rehearsal(hotel, giveUpAfter: .milliseconds(1))
        let noted = Mutex<[String]>([])
        hotel.whenCancelling { [server = rehearsal.server] in
            let entry = LedgerEntry(server.contents.ledger("hotels", "1")["hotel"] ?? "")
            noted.withLock { $0.append("\(entry.state) \(entry.note)") }
        }
        try await rehearsal.begin("1", TripRequested(city: "Rome"))

        #expect(try await rehearsal.ending(of: "1") == .cancelled)

        #expect(noted.withLock { $0.first } == "unknown hotel_full")
    }

    private func rehearsal(
        _ hotel: SilentHotel, giveUpAfter: Duration = .seconds(2), calls: OutsideCompany? = nil,
        whenAsking: @escaping @Sendable () throws -> Void = {}
    ) throws -> SagaRehearsal {
        let hotels = Participant(TripSaga.route, "hotels") {
            Perform(
                TripSaga.hotel, giveUpAfter: giveUpAfter, calls: calls,
                whenUnknown: .askFirst { _, context in
                    try whenAsking()
                    return switch try hotel.ask(context.idempotencyKey) {
                    case nil: .cannotSay
                    case true?: .acted(Transition(HotelBooked(room: "found")))
                    case false?: .didNotAct
                    }
                }
            ) { _, context in
                try hotel.book(context.idempotencyKey)
                return Transition(HotelBooked(room: "booked"))
            } undo: { context in
                try hotel.cancel(context.idempotencyKey)
            }
        }
        return try SagaRehearsal([
            SilentHotel.patientTrips, hotels, TripSaga.flights, TripSaga.cars,
        ])
    }
}
