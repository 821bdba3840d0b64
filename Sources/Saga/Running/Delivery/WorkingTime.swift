import Synchronization

/// The time in which this process ran: while it is stopped, or has no processor, none passes.
///
///     beat ── pulse ── beat ── pulse ── beat ──────── stood still ──────── beat
///          all of it        all of it   │  a pulse, and no more            │
///
/// What is measured by it is how long others took. Somebody who answers a process that stands
/// still is not late.
final class WorkingTime: Sendable {
    private struct State {
        var beat: ContinuousClock.Instant
        var lost: Duration = .zero
    }

    private let clock: any SagaClock
    private let pulse: Duration?
    private let state: Mutex<State>

    /// - Parameter pulse: no longer between two beats if the process runs; nil if nothing beats,
    ///   and all time counts.
    init(_ clock: any SagaClock, pulse: Duration?) {
        self.clock = clock
        self.pulse = pulse
        state = Mutex(State(beat: clock.now))
    }

    var now: ContinuousClock.Instant {
        let now = clock.now
        return state.withLock { now - $0.lost - excess(at: now, since: $0.beat) }
    }

    /// Says that the process runs.
    func beat() {
        let now = clock.now
        state.withLock { state in
            state.lost += excess(at: now, since: state.beat)
            state.beat = now
        }
    }

    private func excess(
        at now: ContinuousClock.Instant, since beat: ContinuousClock.Instant
    ) -> Duration {
        pulse.map { max(.zero, now - beat - $0) } ?? .zero
    }
}
