import Saga
import SagaTestKit
import Synchronization
import Testing

/// A hotel that does not hear when it is told to stop, and books all the same.
@Suite(.timeLimit(.minutes(1)))
struct DeafHotelTests {
    /// One slot, and perhaps one turn, which the first trip has: without it no other would be
    /// booked.
    @Test(arguments: [nil, 1])
    func othersGetItsSlotAndWhatItDoesInTheEndCounts(_ atMost: Int?) async throws {
        let hotel = DeafHotel(atMost: atMost)
        let rehearsal = try rehearsal()
        let hotels = try rehearsal.runtime(ParticipantPlan(hotel.participant))
        try await rehearsal.running(Self.others()) {
            try await withThrowingTaskGroup { group in
                group.addTask { try await hotels.run() }
                try await rehearsal.begin("deaf", TripRequested(city: "Rome"))
                try await Self.until("it is deaf", rehearsal) { !hotels.impairments.isEmpty }
                #expect(rehearsal.elapsed < .seconds(20), "it gives up after two")
                #expect(
                    hotels.impairments == [
                        "a handler goes on although it was cancelled, of saga deaf"
                    ])
                #expect(hotels.faults.isEmpty)

                for id in ["1", "2"] {
                    try await rehearsal.begin(id, TripRequested(city: "Rome"))
                    try await Self.until("\(id) is booked", rehearsal) {
                        Self.life(id, rehearsal) == "completed"
                    }
                }
                #expect(rehearsal.events(of: "deaf") == ["TripRequested", "FlightBooked"])

                hotel.hears()
                try await Self.until("the first is booked as well", rehearsal) {
                    Self.life("deaf", rehearsal) == "completed"
                }
                try await Self.until("nobody is deaf", rehearsal) { hotels.impairments.isEmpty }
                group.cancelAll()
                try await group.waitForAll()
            }
        }

        #expect(hotel.calls == ["book deaf", "book 1", "book 2"])
        #expect(try rehearsal.events(HotelBooked.self, of: "deaf").count == 1)
        #expect(try rehearsal.events(HotelRefused.self, of: "deaf").isEmpty)
        #expect(rehearsal.letters.isEmpty)
    }

    /// The same event comes again, to another process as this one has no slot, and is done there.
    @Test func whatAnotherHasDoneMeanwhileIsNotDoneAgain() async throws {
        let hotel = DeafHotel()
        let rehearsal = try rehearsal()
        let plan = try ParticipantPlan(hotel.participant)
        let (first, second) = (try rehearsal.runtime(plan), try rehearsal.runtime(plan))
        try await rehearsal.running(Self.others()) {
            try await withThrowingTaskGroup { group in
                group.addTask { try await first.run() }
                try await rehearsal.begin("deaf", TripRequested(city: "Rome"))
                try await Self.until("it is called", rehearsal) { !hotel.calls.isEmpty }
                group.addTask { try await second.run() }
                try await rehearsal.say(TripRequested(city: "Rome"), of: "deaf")
                try await Self.until("the other books it", rehearsal) {
                    Self.life("deaf", rehearsal) == "completed"
                }
                let booked = Self.hotel(rehearsal)
                try await Self.until("it is deaf", rehearsal) { !first.impairments.isEmpty }

                hotel.hears()

                try await Self.until("nobody is deaf", rehearsal) { first.impairments.isEmpty }
                #expect(booked?.hasPrefix("done ") == true)
                #expect(Self.hotel(rehearsal) == booked)
                group.cancelAll()
                try await group.waitForAll()
            }
        }

        #expect(hotel.calls == ["book deaf", "book deaf"])
        #expect(try rehearsal.events(HotelBooked.self, of: "deaf").count == 1)
        try await rehearsal.settle()
        #expect(rehearsal.letters.isEmpty)
    }

    // MARK: - What they have in common

    private func rehearsal() throws -> SagaRehearsal {
        var configuration = SagaRuntimeConfiguration()
        configuration.concurrency = 1
        let all = [SilentHotel.patientTrips, DeafHotel().participant]
        return try SagaRehearsal(
            all + [TripSaga.flights, TripSaga.cars], configuration: configuration)
    }

    private static func others() throws -> [ParticipantPlan] {
        try [SilentHotel.patientTrips, TripSaga.flights, TripSaga.cars].map {
            try ParticipantPlan($0)
        }
    }

    private static func hotel(_ rehearsal: SagaRehearsal) -> String? {
        rehearsal.server.contents.ledger("hotels", "deaf")["hotel"]
    }

    private static func life(_ trip: String, _ rehearsal: SagaRehearsal) -> String {
        LedgerEntry(rehearsal.server.contents.ledger("trips", trip)["lifecycle"] ?? "").state
    }

    private static func until(
        _ what: String, _ rehearsal: SagaRehearsal, _ holds: @Sendable () -> Bool
    ) async throws {
        let end = rehearsal.elapsed + .seconds(30)
        while !holds() {
            guard rehearsal.elapsed < end else { throw NotInTime(what: what) }
            try await rehearsal.clock.sleep(for: .milliseconds(10))
        }
    }

    private struct NotInTime: Error {
        var what: String
    }
}

/// It does not answer its first guest before it hears.
private final class DeafHotel: Sendable {
    private struct State {
        var calls: [String] = []
        var hears = false
        var waiting: CheckedContinuation<Void, Never>?
    }

    private let atMost: Int?
    private let state = Mutex(State())

    init(atMost: Int? = nil) {
        self.atMost = atMost
    }

    var calls: [String] { state.withLock { $0.calls } }

    func hears() {
        let waiting = state.withLock { state in
            state.hears = true
            defer { state.waiting = nil }
            return state.waiting
        }
        waiting?.resume()
    }

    var participant: Participant {
        Participant(TripSaga.route, "hotels") {
            Perform(TripSaga.hotel, giveUpAfter: .seconds(2), atMost: atMost) { _, context in
                await self.book(context.sagaID)
                return Transition(HotelBooked(room: "1"))
            } undo: { context in
                self.note("cancel \(context.sagaID)")
            }
        }
    }

    private func book(_ trip: String) async {
        note("book \(trip)")
        guard calls.count == 1 else { return }
        await withCheckedContinuation { continuation in
            let hears = state.withLock { state in
                if !state.hears { state.waiting = continuation }
                return state.hears
            }
            if hears { continuation.resume() }
        }
    }

    private func note(_ call: String) {
        state.withLock { $0.calls.append(call) }
    }
}
