import Synchronization

/// Whether a server is about to stop, so that each answer is the last of its connection.
final class PendingStop: Sendable {
    private let hasBegun = Atomic(false)

    var isNear: Bool { hasBegun.load(ordering: .relaxed) }

    func begin() { hasBegun.store(true, ordering: .relaxed) }
}
