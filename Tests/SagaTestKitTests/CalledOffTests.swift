import CloudEvents
import Logging
import Saga
import SagaTestKit
import Synchronization
import Testing

/// What is to be undone is not done first, and not waited for.
@Suite(.timeLimit(.minutes(1)))
struct CalledOffTests {
    /// A hotel that does not answer, or says that it is away.
    private final class Hotel: Sendable {
        enum Mood { case hangs, isAway, answers }

        private let calls = Mutex<[String]>([])
        private let mood: Mood

        init(_ mood: Mood) {
            self.mood = mood
        }

        var all: [String] { calls.withLock { $0 } }

        func book() async throws -> Transition<HotelBooked> {
            calls.withLock { $0.append("book") }
            switch mood {
            // Far beyond what a test waits for.
            case .hangs: try await Task.sleep(for: .seconds(3_600))
            case .isAway: throw CancellationError()
            case .answers: break
            }
            return Transition(HotelBooked(room: "1"))
        }

        func cancel() {
            calls.withLock { $0.append("cancel") }
        }

        func participant(on route: Route = TripSaga.route) -> Participant {
            Participant(route, "hotels") {
                Perform(TripSaga.hotel) { _, _ in
                    try await self.book()
                } undo: { _ in
                    self.cancel()
                }
            }
        }
    }

    /// Neither waits for the ten seconds after which a step gives up: a rig's clock stops at five.
    @Test(arguments: [true, false])
    func aStepThatIsTriedIsCancelledByWhatUndoesIt(_ hangs: Bool) async throws {
        let rig = try TripRig()
        let hotel = Hotel(hangs ? .hangs : .isAway)
        let trips = try rig.runtime(TripSaga.trips)
        try await rig.running(
            [TripSaga.trips, hotel.participant(), TripSaga.flights, TripSaga.cars]
        ) {
            _ = try await trips.begin("vain", TripRequested(city: "Rome"))
            // Between tries, or within one.
            try await rig.until("it is tried") { hotel.all.count >= (hangs ? 1 : 2) }
            let reason = BusinessFailure("cancelled_by_client")
            _ = try await trips.requestCancellation(of: "vain", reason: reason)

            let ending = try await rig.ending(of: "vain")
            #expect(ending == "cancelled")
        }

        #expect(hotel.all.count { $0 == "cancel" } == 1, "\(hotel.all)")
        #expect(hotel.all.last == "cancel")
        #expect(rig.server.contents.events("HotelCancelled", owner: "hotels").count == 1)
        #expect(rig.server.contents.events("HotelRefused", owner: "hotels").isEmpty)
        let ledger = LedgerEntry(rig.server.contents.ledger("hotels", "vain")["hotel"] ?? "")
        #expect(ledger.state == "compensated")
    }

    private struct GuestNoted: HotelEvent {}
    private struct GuestUnknown: HotelEvent, FailureEvent { var reason, detail: String }

    /// What the same event starts here besides, and nothing undoes.
    private static let note = Leg(
        "note", by: "hotels", on: TripRequested.self, emits: GuestNoted.self,
        orElse: GuestUnknown.self, actsOutside: false)

    /// A hotel that never answers, and notes each guest.
    private static func noting(_ hotel: Hotel) -> Participant {
        let ends = RouteOwner(
            "trips", begins: TripRequested.self, completes: TripBooked.self,
            on: HotelBooked.self, GuestNoted.self, cancelled: TripCancelled.self,
            request: TripCancellationRequested.self)
        let route = Route("trip", owner: ends) {
            TripSaga.hotel
            note
        }
        return Participant(route, "hotels") {
            Perform(TripSaga.hotel, giveUpAfter: .seconds(1)) { _, _ in
                try await hotel.book()
            } undo: { _ in
                hotel.cancel()
            }
            Perform(note) { _, _ in
                try Task.checkCancellation()
                return Transition(GuestNoted())
            }
        }
    }

    /// Whether the step before is called off or is cancelled for taking too long.
    @Test(arguments: [true, false])
    func whatBesidesIsDoneIsDoneAllTheSame(_ isCalledOff: Bool) async throws {
        let rig = try TripRig(lasting: .seconds(20))
        let hotel = Hotel(.hangs)
        let trips = try rig.runtime(TripSaga.trips)

        try await rig.running([TripSaga.trips, Self.noting(hotel)]) {
            _ = try await trips.begin("vain", TripRequested(city: "Rome"))
            try await rig.until("it is tried") { !hotel.all.isEmpty }
            if isCalledOff {
                let reason = BusinessFailure("cancelled_by_client")
                _ = try await trips.requestCancellation(of: "vain", reason: reason)
            }
            try await rig.until("the other is done") {
                let ledger = rig.server.contents.ledger("hotels", "vain")
                return LedgerEntry(ledger["note"] ?? "").state == "done"
            }
        }

        #expect(hotel.all.count { $0 == "cancel" } == 1, "\(hotel.all)")
        #expect(rig.server.contents.events("GuestUnknown", owner: "hotels").isEmpty)
    }

    /// Both lie in streams of one owner, the one that starts it before the one that undoes it.
    @Test func whatIsUndoneInTheSameReadIsNotDoneFirst() async throws {
        struct TripWithdrawn: TripEvent, ReasonEvent { var reason, detail: String }
        let ends = RouteOwner(
            "trips", begins: TripRequested.self, completes: TripBooked.self, on: HotelBooked.self,
            cancelled: TripCancelled.self, request: TripWithdrawn.self)
        let route = Route("trip", owner: ends) { TripSaga.hotel }
        let rig = try TripRig()
        let hotel = Hotel(.answers)
        try rig.say(TripRequested(city: "Rome"), of: "late")
        try rig.say(TripWithdrawn(reason: "r", detail: "d"), of: "late")

        try await rig.running([hotel.participant(on: route)]) {
            try await rig.until("both are dealt with") {
                let streams = rig.server.contents.streams
                return ["TripRequested", "TripWithdrawn"].allSatisfy { type in
                    guard let stream = streams["trips:\(type)"],
                        let group = stream.groups["hotels"]
                    else { return false }
                    return group.lastDelivered == stream.lastNumber && group.pending.isEmpty
                }
            }
        }

        #expect(!hotel.all.contains("book"), "\(hotel.all)")
        #expect(rig.server.contents.events("HotelCancelled", owner: "hotels").count == 1)
        #expect(rig.server.contents.events("HotelBooked", owner: "hotels").isEmpty)
    }
}
