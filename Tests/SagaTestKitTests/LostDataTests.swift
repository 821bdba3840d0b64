import CloudEvents
import Saga
import SagaTestKit
import Synchronization
import Testing

private struct ParcelSent: SagaEvent { static let owner = "desk" }
private struct ParcelAgreed: SagaEvent { static let owner = "desk" }
private struct ParcelCancelled: ReasonEvent {
    static let owner = "desk"; var reason, detail: String
}
private struct ParcelWithdrawn: ReasonEvent {
    static let owner = "desk"; var reason, detail: String
}
private struct ShelfTaken: SagaEvent { static let owner = "store" }
private struct ShelfRefused: FailureEvent { static let owner = "store"; var reason, detail: String }
private struct ShelfFreed: UndoneEvent { static let owner = "store" }
private struct LetterSent: SagaEvent { static let owner = "post" }
private struct LetterAgreed: SagaEvent { static let owner = "post" }
private struct LetterCancelled: ReasonEvent {
    static let owner = "post"; var reason, detail: String
}
private struct LetterWithdrawn: ReasonEvent {
    static let owner = "post"; var reason, detail: String
}

/// A participant's data goes while it runs, and what it has done comes once more at once.
///
/// Its steps touch records alone, and so do not look at the ledger first.
@Suite(.timeLimit(.minutes(1)))
struct LostDataTests {
    @Test(arguments: ["parcel", "letter"])
    func whatComesAgainIsTooOldBeforeTheLossIsNoticed(route: String) async throws {
        let rig = try TripRig()
        let count = Mutex(0)
        let taken: @Sendable () -> Int = { count.withLock { $0 } }
        let wall = rig.server.clock.wallMilliseconds

        try await rig.running([Self.store { count.withLock { $0 += 1 } }]) {
            try Self.say(route, "1", made: wall, rig)
            try await rig.until("it is done") { taken() == 1 }
            try rig.server.change { data throws(SagaError) in
                data.ledgers = [:]
                data.born["store"] = wall + 10_000
            }
            try Self.say(route, "2", made: wall - 10_000, rig)
            try await rig.until("it is a letter") { rig.letters.count == 1 }
        }

        #expect(rig.letters.allSatisfy { $0 == .tooOld })
        #expect(taken() == 1)
    }

    private static func say(
        _ route: String, _ id: String, made time: Int64, _ rig: TripRig
    ) throws {
        let (owner, type) =
            route == "parcel"
            ? (ParcelSent.owner, ParcelSent.type) : (LetterSent.owner, LetterSent.type)
        let event = CloudEvent(
            source: "/\(owner)", type: type, subject: id, time: time, route: route,
            data: Array("{}".utf8))
        try rig.say([event], owner: owner)
    }

    private static func store(_ take: @escaping @Sendable () -> Void) -> Participant {
        Participant(parcels, "store") {
            Perform(parcel) { _, _ in
                take()
                return Transition(ShelfTaken())
            } undo: { _ in
            }
        }
        .also(on: letters) {
            Perform(letter) { _, _ in
                take()
                return Transition(ShelfTaken())
            } undo: { _ in
            }
        }
    }

    private static let parcel = Leg(
        "take", by: "store", on: ParcelSent.self, emits: ShelfTaken.self,
        orElse: ShelfRefused.self, undone: ShelfFreed.self, actsOutside: false)
    private static let letter = Leg(
        "take", by: "store", on: LetterSent.self, emits: ShelfTaken.self,
        orElse: ShelfRefused.self, undone: ShelfFreed.self, actsOutside: false)
    private static let parcels = Route(
        "parcel",
        owner: RouteOwner(
            "desk", begins: ParcelSent.self, completes: ParcelAgreed.self, on: ShelfTaken.self,
            cancelled: ParcelCancelled.self, request: ParcelWithdrawn.self)
    ) { parcel }
    private static let letters = Route(
        "letter",
        owner: RouteOwner(
            "post", begins: LetterSent.self, completes: LetterAgreed.self, on: ShelfTaken.self,
            cancelled: LetterCancelled.self, request: LetterWithdrawn.self)
    ) { letter }
}
