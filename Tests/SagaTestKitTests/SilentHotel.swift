import Saga
import Synchronization

/// A hotel that keeps to the contract of keys, and seldom says what it has done.
final class SilentHotel: Sendable {
    /// What becomes of one call; the last one of them of all that follow.
    enum Mood { case books, booksAndIsSilent, booksLate, isSilent, refuses }

    struct Silence: Error {}

    private struct State {
        var moods: [Mood]
        var calls: [String] = []
        var keys: Set<String> = []
        var standing: Set<String> = []
        var undone: Set<String> = []
        var underWay: Set<String> = []
        var cannotSay = false
        var cannotCancel = false
        var refusesWhenAsked = false
        var whenCancelling: @Sendable () -> Void = {}
    }

    private let state: Mutex<State>

    init(_ moods: [Mood]) {
        state = Mutex(State(moods: moods))
    }

    /// Sagas that are not cancelled before somebody asks for that.
    static let patientTrips = Participant(TripSaga.route, "trips") {
        Oversee(TripSaga.ends, deadline: .seconds(86_400)) { _, _ in Transition(TripBooked()) }
    }

    var standing: Set<String> { state.withLock { $0.standing } }
    var keys: Set<String> { state.withLock { $0.keys } }

    func calls(_ name: String) -> Int { state.withLock { $0.calls.count { $0 == name } } }
    func cannotSay(_ cannot: Bool) { state.withLock { $0.cannotSay = cannot } }
    func cannotCancel(_ cannot: Bool) { state.withLock { $0.cannotCancel = cannot } }
    func refusesWhenAsked() { state.withLock { $0.refusesWhenAsked = true } }

    func book(_ key: String) throws {
        try state.withLock { state in
            state.calls.append("book")
            state.keys.insert(key)
            let mood = state.moods[0]
            if state.moods.count > 1 { state.moods.removeFirst() }
            switch mood {
            case .isSilent: throw Silence()
            case .refuses: throw BusinessFailure("hotel_full")
            case .booksLate:
                state.underWay.insert(key)
                throw Silence()
            case .books, .booksAndIsSilent:
                if state.undone.contains(key) { throw Silence() }
                state.standing.insert(key)
                if mood == .booksAndIsSilent { throw Silence() }
            }
        }
    }

    func whenCancelling(_ look: @escaping @Sendable () -> Void) {
        state.withLock { $0.whenCancelling = look }
    }

    func cancel(_ key: String) throws {
        state.withLock { $0.whenCancelling }()
        try state.withLock { state in
            if state.cannotCancel { throw Silence() }
            state.calls.append("cancel")
            state.undone.insert(key)
            state.standing.remove(key)
        }
    }

    /// Whether it has booked; nil if it cannot say.
    func ask(_ key: String) throws -> Bool? {
        try state.withLock { state in
            state.calls.append("ask")
            if state.refusesWhenAsked { throw BusinessFailure("hotel_full") }
            return state.cannotSay ? nil : state.standing.contains(key)
        }
    }

    /// What was on its way arrives.
    func arriveLate() {
        state.withLock { state in
            state.standing.formUnion(state.underWay.subtracting(state.undone))
            state.underWay = []
        }
    }
}
