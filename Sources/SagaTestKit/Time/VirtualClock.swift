import Saga
import Synchronization
import Timekeeping

/// A clock that stands still until somebody moves it on.
///
///     sleep(for:) ──▶ waits for its time ──advance──▶ the first of them wakes
package final class VirtualClock: SagaClock {
    private struct Sleeper {
        var time: ContinuousClock.Instant
        /// Those of one time wake in the order in which they fell asleep.
        var number: Int
        var continuation: UnsafeContinuation<Void, Never>
    }

    private struct State {
        var now: ContinuousClock.Instant
        var wall: Int64
        var next = 0
        var sleepers: [Sleeper] = []
    }

    private let start: ContinuousClock.Instant
    private let state: Mutex<State>

    /// A clock at a time on the wall, in milliseconds since 1970.
    package init(wall: Int64 = 1_700_000_000_000) {
        start = .now
        state = Mutex(State(now: start, wall: wall))
    }

    package var now: ContinuousClock.Instant { state.withLock { $0.now } }

    /// How long it has run.
    package var elapsed: Duration { now - start }

    package var wallMilliseconds: Int64 { state.withLock { $0.wall } }

    /// Sets the wall clock on or back, as an administrator or a failover does.
    package func shiftWall(by milliseconds: Int64) {
        state.withLock { $0.wall += milliseconds }
    }

    package func sleep(for duration: Duration) async throws(CancellationError) {
        let number = state.withLock { state in
            state.next += 1
            return state.next
        }
        await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                let isCancelled = state.withLock { state in
                    if Task.isCancelled { return true }
                    state.sleepers.append(
                        Sleeper(
                            time: state.now + max(duration, .zero), number: number,
                            continuation: continuation))
                    return false
                }
                if isCancelled { continuation.resume() }
            }
        } onCancel: {
            let sleeper = state.withLock { state in
                state.sleepers.firstIndex { $0.number == number }
                    .map { state.sleepers.remove(at: $0) }
            }
            sleeper?.continuation.resume()
        }
        if Task.isCancelled { throw CancellationError() }
    }

    /// Moves on to the next time for which anybody waits; false if nobody does.
    ///
    /// - Parameter end: goes no further than this.
    package func advance(notBeyond end: ContinuousClock.Instant? = nil) -> Bool {
        let woken = state.withLock { state -> [Sleeper]? in
            guard let time = state.sleepers.map(\.time).min(), end.map({ time <= $0 }) ?? true
            else { return nil }
            let step = max(time - state.now, .zero)
            state.now += step
            state.wall += Int64(step.milliseconds)
            let due = state.sleepers.filter { $0.time <= state.now }
            state.sleepers.removeAll { $0.time <= state.now }
            return due.sorted { ($0.time, $0.number) < ($1.time, $1.number) }
        }
        guard let woken else { return false }
        for sleeper in woken { sleeper.continuation.resume() }
        return true
    }

    /// Moves on to a time before which nobody waits for anything; does nothing once it has come.
    package func move(to time: ContinuousClock.Instant) {
        state.withLock { state in
            guard time > state.now, state.sleepers.allSatisfy({ $0.time > time }) else { return }
            state.wall += Int64((time - state.now).milliseconds)
            state.now = time
        }
    }
}
