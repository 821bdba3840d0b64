public import Logging
public import Saga
public import ServiceLifecycle

/// What a new system shows: records that are written once, as soon as Redis is there.
///
/// Each of the changes says by a condition when it is not needed any more.
public struct RecordSeed: Service {
    private let store: RecordStore
    private let changes: [Changes]
    private let logger: Logger

    /// Changes to a service's records, each all or nothing.
    public init(_ store: RecordStore, _ changes: [Changes], logger: Logger) {
        self.store = store
        self.changes = changes
        self.logger = logger
    }

    /// Entries of a collection, all or none of them, unless it has any already.
    public init<Item>(
        _ collection: RecordCollection<Item>, _ entries: [RecordCollection<Item>.Entry],
        logger: Logger
    ) {
        self.init(collection.store, [collection.planting(entries)], logger: logger)
    }

    /// Writes everything, trying again while Redis is away, and ends.
    public func run() async {
        await cancelWhenGracefulShutdown {
            for changes in changes { await plant(changes) }
        }
    }

    private func plant(_ changes: Changes) async {
        while !Task.isCancelled {
            do throws(SagaError) {
                _ = try await store.transition(changes)
                return
            } catch {
                guard error.retry == .later else {
                    logger.error(
                        "demo data could not be written",
                        metadata: ["error": "\(error.debugDescription)"])
                    return
                }
                try? await Task.sleep(for: .milliseconds(500))
            }
        }
    }
}
