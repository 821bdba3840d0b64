import Synchronization
import Timekeeping

/// When the store's data came to be, as it was last asked.
///
/// It is asked once a second. What is known is good for what was made about then: an event that is
/// older may come once more after a loss that nobody has noticed yet.
final class StoreBirth: Sendable {
    private let store: any SagaStore
    private let clock: any SagaClock
    private let last = Mutex<(born: Int64, asked: Int64)?>(nil)

    init(_ store: any SagaStore, clock: any SagaClock) {
        self.store = store
        self.clock = clock
    }

    /// The last answer; nil before the first.
    var known: Int64? { last.withLock { $0?.born } }

    /// The last answer, if it was given before what was made at that time, or hardly after.
    ///
    /// - Parameter time: in milliseconds since 1970; nil for any.
    func known(for time: Int64?) -> Int64? {
        guard let last = last.withLock({ $0 }), let time,
            last.asked - time < Self.slack.milliseconds
        else { return nil }
        return last.born
    }

    /// How far clocks may differ, and how long an event takes to be worked on.
    private static let slack: Duration = .seconds(2)

    /// Asks.
    func ask() async throws(SagaError) -> Int64 {
        let asked = clock.wallMilliseconds
        let born = try await store.born()
        last.withLock { $0 = (born, asked) }
        return born
    }
}
