import Logging
import Redis
import Synchronization

/// Notices that Redis may hold other data than before, and has all forgotten that was read.
///
///     reader, ticker ──▶ follow ── same epoch ──▶ go on
///                              └─ another ──▶ dispatcher and acknowledgements drop what waits
///
/// What runs is not stopped: its transition is for an epoch that has ended and is not sent. Each
/// reader reads again what is pending for its name; what was done before, ledgers tell.
final class EpochWatch: Sendable {
    private let redis: RedisClient
    private let dispatcher: Dispatcher
    private let logger: Logger
    private let followed: Mutex<RedisEpoch>

    init(redis: RedisClient, dispatcher: Dispatcher, logger: Logger) {
        self.redis = redis
        self.dispatcher = dispatcher
        self.logger = logger
        followed = Mutex(redis.epoch)
    }

    /// Has dropped what was read in another epoch, and returns the present one.
    @discardableResult
    func follow() -> RedisEpoch {
        let epoch = redis.epoch
        let isNew = followed.withLock { followed in
            defer { followed = epoch }
            return followed != epoch
        }
        guard isNew else { return epoch }
        dispatcher.keepOnly(epoch)
        logger.info("Redis was started again or replaced; pending entries are read again")
        return epoch
    }
}
