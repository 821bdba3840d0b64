import Logging
import Metrics

/// Has timers fired when they are due.
struct TimerKeeper: Sendable {
    /// The longest look away, and so the most that a timer set meanwhile can be late.
    private static let pauseMaximum: Duration = .milliseconds(200)
    private static let pauseMinimum: Duration = .milliseconds(5)

    let timers: any SagaTimers
    let pause: Pause
    let clock: any SagaClock
    let metrics: SagaMetrics
    let letters: DeadLetterReporter
    let health: RuntimeHealth
    let logger: Logger

    func run(while isRunning: @Sendable () -> Bool) async {
        var failures = 0
        while isRunning() {
            var rest = Self.pauseMaximum
            if !pause.isOn { rest = await fire(&failures) }
            guard (try? await clock.sleep(for: rest)) != nil else { return }
        }
    }

    /// Fires what is due, and returns when to look again.
    private func fire(_ failures: inout Int) async -> Duration {
        var wait = Self.pauseMaximum
        do {
            let fired = try await timers.fireDue()
            note(fired)
            if let rest = fired.rest {
                wait = rest == .zero ? .zero : min(max(rest, Self.pauseMinimum), wait)
            }
            failures = 0
            health.timers(nil)
        } catch {
            failures += 1
            health.timers(error)
            if failures == 1 {
                logger.warning("timers cannot be fired", metadata: ["error": "\(error)"])
            }
        }
        return wait
    }

    private func note(_ fired: FiredTimers) {
        metrics.open(fired.set)
        for group in fired.groups where group.count > 0 {
            if group.silence != nil { metrics.publishRefused() }
            health.publish([group.type], group.silence)
            metrics.counter(of: group.type, .emitted).increment(by: group.count)
        }
        for letter in fired.letters { letters.note(letter, "what is not a timer is put aside") }
    }
}
