import Synchronization

/// Measures for how long a try has worked, and has it cancelled when that is too long.
///
/// While it waits for its turn with what others use too, as a connection, it does not work; nor
/// while this process stands still.
final class TryWatch: Sendable {
    private struct State {
        var since: ContinuousClock.Instant
        var worked: Duration = .zero
        var waits = 0
        var isOver = false
    }

    private let place: Dispatcher.Place
    private let limit: Duration
    private let state: Mutex<State>

    /// Begins to measure.
    init(_ place: Dispatcher.Place, limit: Duration) {
        self.place = place
        self.limit = limit
        state = Mutex(State(since: place.time.now))
        place.answers()
        place.limit(limit)
    }

    /// Is told when a wait begins, and when it is over; several may overlap.
    func waits(_ begins: Bool) {
        let now = place.time.now
        state.withLock { state in
            guard !state.isOver else { return }
            if begins {
                state.waits += 1
                guard state.waits == 1 else { return }
                state.worked += now - state.since
                place.limit(nil)
            } else {
                state.waits -= 1
                guard state.waits == 0 else { return }
                state.since = now
                place.limit(max(limit - state.worked, .seconds(1)))
            }
        }
    }

    /// Ends it, once, and answers for how long it has worked.
    @discardableResult
    func end() -> Duration {
        let now = place.time.now
        return state.withLock { state in
            guard !state.isOver else { return state.worked }
            state.isOver = true
            if state.waits == 0 { state.worked += now - state.since }
            place.answers()
            return state.worked
        }
    }
}
