import Logging
import Synchronization

/// Notices that the store may hold other data than before, and has all forgotten that was read.
///
///     reader, ticker ──▶ follow ── same epoch ──▶ go on
///                              └─ another ──▶ dispatcher and acknowledgements drop what waits
///
/// What runs is not stopped: its transition is for an epoch that has ended and is not sent. Each
/// reader reads again what is pending for its name; what was done before, ledgers tell.
final class EpochWatch: Sendable {
    private let transport: any EventTransport
    private let dispatcher: Dispatcher
    private let logger: Logger
    private let followed: Mutex<StoreEpoch>

    init(transport: any EventTransport, dispatcher: Dispatcher, logger: Logger) {
        self.transport = transport
        self.dispatcher = dispatcher
        self.logger = logger
        followed = Mutex(transport.epoch())
    }

    /// Has dropped what was read in another epoch, and returns the present one.
    @discardableResult
    func follow() -> StoreEpoch {
        let (epoch, isNew) = followed.withLock { followed in
            // Asked and acted on in one turn, so that nobody goes back to an earlier one.
            let epoch = transport.epoch()
            guard epoch > followed else { return (followed, false) }
            followed = epoch
            dispatcher.dropBefore(epoch)
            return (epoch, true)
        }
        if isNew {
            logger.info("Redis was started again or replaced; pending entries are read again")
        }
        return epoch
    }
}
