import CloudEvents
import Timekeeping

/// The time that an engine goes by.
///
/// Tests give one that stands still until everything waits.
package protocol SagaClock: Sendable {
    /// The present moment, on a clock that never goes back.
    var now: ContinuousClock.Instant { get }

    /// Milliseconds since 1970, for people and for events.
    var wallMilliseconds: Int64 { get }

    /// Waits; throws once the task is cancelled.
    func sleep(for duration: Duration) async throws(CancellationError)
}

/// What an engine takes at random.
package protocol SagaChance: Sendable {
    /// Between 0 and 1, for jitter.
    func fraction() -> Double

    /// An ID that no other event has, and that sorts by time.
    func eventID() -> String
}

/// The machine's own time.
package struct SystemSagaClock: SagaClock {
    package init() {}

    package var now: ContinuousClock.Instant { .now }

    package var wallMilliseconds: Int64 { SystemTime.milliseconds() }

    package func sleep(for duration: Duration) async throws(CancellationError) {
        do {
            try await Task.sleep(for: duration)
        } catch {
            throw CancellationError()
        }
    }
}

/// The machine's own randomness.
package struct SystemSagaChance: SagaChance {
    package init() {}

    package func fraction() -> Double { Double.random(in: 0...1) }

    package func eventID() -> String { UUIDv7.next() }
}
