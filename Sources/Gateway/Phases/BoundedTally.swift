import Synchronization

/// How many of something there are, and no more than a limit.
final class BoundedTally: Sendable {
    private let count = Atomic<Int>(0)
    private let limit: Int

    init(limit: Int) {
        self.limit = limit
    }

    /// Answers whether one more may be; then it counts until `remove`.
    func add() -> Bool {
        guard count.add(1, ordering: .relaxed).newValue <= limit else {
            remove()
            return false
        }
        return true
    }

    func remove() { count.subtract(1, ordering: .relaxed) }
}
