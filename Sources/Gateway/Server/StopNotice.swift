import Synchronization

/// Whether a stop is near, for the connections of all event loops.
final class StopNotice: Sendable {
    private let wasGiven = Atomic(false)

    var isGiven: Bool { wasGiven.load(ordering: .relaxed) }

    func give() { wasGiven.store(true, ordering: .relaxed) }
}
