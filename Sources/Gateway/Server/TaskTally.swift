import Synchronization

/// How much is under way that will come back to an event loop.
///
/// A loop that was shut down takes nothing more, so whoever shuts one down looks here first.
/// All of it is in one order with the flag that lets nothing more begin.
final class TaskTally: Sendable {
    private let count = Atomic<Int>(0)

    var isBusy: Bool { count.load(ordering: .sequentiallyConsistent) > 0 }

    func begin() { count.add(1, ordering: .sequentiallyConsistent) }

    func end() { count.subtract(1, ordering: .sequentiallyConsistent) }
}
