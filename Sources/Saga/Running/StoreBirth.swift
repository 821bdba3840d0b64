import Synchronization

/// When the store's data came to be, as it was last asked.
///
/// It is asked once a second, so that a store which lost everything is noticed by then.
final class StoreBirth: Sendable {
    private let store: any SagaStore
    private let last = Mutex<Int64?>(nil)

    init(_ store: any SagaStore) {
        self.store = store
    }

    /// The last answer; nil before the first.
    var known: Int64? { last.withLock { $0 } }

    /// Asks.
    func ask() async throws(SagaError) -> Int64 {
        let born = try await store.born()
        last.withLock { $0 = born }
        return born
    }
}
