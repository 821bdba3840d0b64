import Saga
import Synchronization

/// The epoch in which timers are known to have their time.
final class RenewedEpoch: Sendable {
    private let epoch: Mutex<StoreEpoch>

    init(_ epoch: StoreEpoch) {
        self.epoch = Mutex(epoch)
    }

    func isNew(_ other: StoreEpoch) -> Bool { epoch.withLock { $0 != other } }

    func note(_ other: StoreEpoch) { epoch.withLock { $0 = other } }
}
