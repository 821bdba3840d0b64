import Saga
import Synchronization
import TroupeRedis

/// How long ago it was asked whether Redis still holds the data of the present epoch.
///
/// A ticker asks once a second. A process that stood still meanwhile, stopped or starved, may
/// wake with its links alive and other data behind them; so whoever finds that nobody has asked
/// for too long asks before it writes.
final class EpochCheck: Sendable {
    /// Twice as long as the ticker takes at the most, so that nobody else asks while it runs.
    private static let ageMaximum: Duration = .seconds(2)

    private let redis: RedisClient
    private let clock: any SagaClock
    private let last: Mutex<ContinuousClock.Instant?>

    init(_ redis: RedisClient, clock: any SagaClock = SystemSagaClock()) {
        self.redis = redis
        self.clock = clock
        last = Mutex(nil)
    }

    /// Asks.
    func run() async {
        let now = clock.now
        await redis.checkEpoch()
        last.withLock { $0 = now }
    }

    /// Whether that was too long ago; never, if nobody has asked yet.
    var isDue: Bool {
        guard let known = last.withLock({ $0 }) else { return false }
        return clock.now - known > Self.ageMaximum
    }
}
