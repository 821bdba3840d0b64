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
        /// The first to wake is the last.
        var sleepers: [Sleeper] = []

        /// A loop by hand: tests are built without optimization, and the clock is a third of all
        /// that a simulation does.
        mutating func add(_ sleeper: Sleeper) {
            var (low, high) = (0, sleepers.count)
            while low < high {
                let middle = (low + high) / 2
                let isEarlier = sleepers[middle].time > sleeper.time
                if isEarlier { low = middle + 1 } else { high = middle }
            }
            sleepers.insert(sleeper, at: low)
        }

        mutating func remove(_ number: Int) -> Sleeper? {
            var index = sleepers.count - 1
            while index >= 0, sleepers[index].number != number { index -= 1 }
            return index >= 0 ? sleepers.remove(at: index) : nil
        }
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
                    state.add(
                        Sleeper(
                            time: state.now + max(duration, .zero), number: number,
                            continuation: continuation))
                    return false
                }
                if isCancelled { continuation.resume() }
            }
        } onCancel: {
            let sleeper = state.withLock { $0.remove(number) }
            sleeper?.continuation.resume()
        }
        if Task.isCancelled { throw CancellationError() }
    }

    /// Moves on to the next time for which anybody waits; false if nobody does.
    ///
    /// - Parameter end: goes no further than this.
    package func advance(notBeyond end: ContinuousClock.Instant? = nil) -> Bool {
        let woken = state.withLock { state -> [Sleeper]? in
            guard let time = state.sleepers.last?.time else { return nil }
            if let end, time > end { return nil }
            let step = max(time - state.now, .zero)
            state.now += step
            state.wall += Int64(step.milliseconds)
            var due: [Sleeper] = []
            while let first = state.sleepers.last, first.time <= state.now {
                due.append(first)
                state.sleepers.removeLast()
            }
            return due
        }
        guard let woken else { return false }
        for sleeper in woken { sleeper.continuation.resume() }
        return true
    }

    /// Moves on to a time before which nobody waits for anything; does nothing once it has come.
    package func move(to time: ContinuousClock.Instant) {
        state.withLock { state in
            guard time > state.now else { return }
            if let first = state.sleepers.last, first.time <= time { return }
            state.wall += Int64((time - state.now).milliseconds)
            state.now = time
        }
    }
}
