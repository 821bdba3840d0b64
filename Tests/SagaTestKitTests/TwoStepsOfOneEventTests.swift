import Saga
import SagaTestKit
import Testing

private struct GuestNoted: SagaEvent { static let owner = "hotels" }
private struct GuestUnknown: FailureEvent {
    static let owner = "hotels"
    var reason, detail: String
}
private struct GuestForgotten: UndoneEvent { static let owner = "hotels" }

/// Two steps that the same event starts, of which the first waits for a person: what keeps it
/// waiting is nothing to the second.
@Suite(.timeLimit(.minutes(1)))
struct TwoStepsOfOneEventTests {
    @Test func theSecondIsDoneWhileTheFirstWaits() async throws {
        let (hotel, guests, rehearsal) = try await parked()

        #expect(rehearsal.blocked("1") == ["hotels"])
        #expect(state(of: "note", rehearsal) == "done")
        #expect(guests.calls("book") == 1)

        try await rehearsal.resolve("hotel", of: "1", isDone: true)

        #expect(try await rehearsal.ending(of: "1") == .completed)
        #expect(hotel.standing.count == 1)
        #expect(guests.standing.count == 1)
        #expect(guests.calls("cancel") == 0)
        #expect(rehearsal.blocked("1").isEmpty)
    }

    @Test func theSecondIsUndoneWhileTheFirstWaits() async throws {
        let (hotel, guests, rehearsal) = try await parked()

        try await rehearsal.requestCancellation(of: "1")
        try await rehearsal.pass(.seconds(10))

        #expect(rehearsal.blocked("1") == ["hotels"])
        #expect(state(of: "note", rehearsal) == "compensated")
        #expect(guests.standing.isEmpty)
        #expect(hotel.calls("cancel") == 0)

        try await rehearsal.resolve("hotel", of: "1", isDone: true)

        #expect(try await rehearsal.ending(of: "1") == .cancelled)
        #expect(guests.calls("cancel") == 1)
        #expect(hotel.standing.isEmpty)
        #expect(rehearsal.blocked("1").isEmpty)
        #expect(rehearsal.letters.isEmpty)
    }

    /// Each owes what it owes by itself.
    @Test func bothWaitEachForItself() async throws {
        let (hotel, guests, rehearsal) = try await parked()
        guests.cannotCancel(true)
        try await rehearsal.requestCancellation(of: "1")
        try await rehearsal.pass(.seconds(60))
        let owed = rehearsal.server.contents.ledger("hotels", "1")
        #expect(Set((owed["owes"] ?? "").split(separator: " ")) == ["hotel", "note"])

        guests.cannotCancel(false)
        try await rehearsal.pass(.seconds(600))

        #expect(guests.standing.isEmpty)
        #expect(rehearsal.server.contents.ledger("hotels", "1")["owes"] == "hotel")
        try await rehearsal.resolve("hotel", of: "1", isDone: false)
        #expect(try await rehearsal.ending(of: "1") == .cancelled)
        #expect(hotel.calls("cancel") == 0)
    }

    // MARK: -

    private static let note = Leg(
        "note", by: "hotels", on: TripRequested.self, emits: GuestNoted.self,
        orElse: GuestUnknown.self, undone: GuestForgotten.self)
    private static let ends = RouteOwner(
        "trips", begins: TripRequested.self, completes: TripBooked.self,
        on: HotelBooked.self, GuestNoted.self, cancelled: TripCancelled.self,
        request: TripCancellationRequested.self)
    private static let route = Route("trip", owner: ends) {
        TripSaga.hotel
        note
    }

    private func parked() async throws -> (SilentHotel, SilentHotel, SagaRehearsal) {
        let (hotel, guests) = (SilentHotel([.booksAndIsSilent]), SilentHotel([.books]))
        let trips = Participant(Self.route, "trips") {
            Oversee(Self.ends, deadline: .seconds(86_400)) { _, _ in Transition(TripBooked()) }
        }
        let hotels = Participant(Self.route, "hotels") {
            Perform(
                TripSaga.hotel, giveUpAfter: .seconds(2),
                whenUnknown: .park("Did the hotel book?") { _, _ in
                    Transition(HotelBooked(room: "found"))
                }
            ) { _, context in
                try hotel.book(context.idempotencyKey)
                return Transition(HotelBooked(room: "booked"))
            } undo: { context in
                try hotel.cancel(context.idempotencyKey)
            }
            Perform(Self.note, undoGiveUpAfter: .seconds(1)) { _, context in
                try guests.book(context.idempotencyKey)
                return Transition(GuestNoted())
            } undo: { context in
                try guests.cancel(context.idempotencyKey)
            }
        }
        let rehearsal = try SagaRehearsal([trips, hotels])
        try await rehearsal.begin("1", TripRequested(city: "Rome"))
        try await rehearsal.pass(.seconds(10))
        return (hotel, guests, rehearsal)
    }

    private func state(of step: String, _ rehearsal: SagaRehearsal) -> String {
        LedgerEntry(rehearsal.server.contents.ledger("hotels", "1")[step] ?? "").state
    }
}
