import DequeModule

/// Who may go on where only so many may at once; pure.
///
///     enter ──▶ granted ──leave──▶ the one that has waited longest is granted
///        │         ▲
///        └▶ waits ─┘
///           │ leave: it goes, and nobody's turn comes
///
/// A turn that does not end can be lent: the next one goes on beside it. No more are lent than
/// there are.
package struct Turns: Sendable {
    private let count: Int
    private var free: Int
    private var nextNumber = 0
    private var granted: Set<Int> = []
    private var lent: Set<Int> = []
    private var waiting: Set<Int> = []
    /// In the order in which they came; those that have left meanwhile are passed over.
    private var order: Deque<Int> = []

    /// At least one turn at once.
    package init(atMost count: Int) {
        self.count = max(1, count)
        free = self.count
    }

    /// Whose turn it is not yet.
    package var waitingCount: Int { waiting.count }

    /// Comes in behind all that wait, or at once if none does and there is room.
    package mutating func enter() -> Int {
        let number = nextNumber
        nextNumber += 1
        if free > 0 {
            free -= 1
            granted.insert(number)
        } else {
            waiting.insert(number)
            order.append(number)
        }
        return number
    }

    package func isGranted(_ number: Int) -> Bool {
        granted.contains(number) || lent.contains(number)
    }

    /// Whether nobody else has its turn.
    package func keeps(_ number: Int) -> Bool { granted.contains(number) }

    /// Lends the turn to the next one, once, unless as many are lent as there are.
    ///
    /// - Returns: whose turn it is now.
    package mutating func lend(_ number: Int) -> Int? {
        guard lent.count < count, granted.remove(number) != nil else { return nil }
        lent.insert(number)
        return next()
    }

    /// Goes, whether it had its turn or not; nothing if it has gone already.
    ///
    /// - Returns: whose turn it is now.
    package mutating func leave(_ number: Int) -> Int? {
        if waiting.remove(number) != nil || lent.remove(number) != nil { return nil }
        guard granted.remove(number) != nil else { return nil }
        return next()
    }

    private mutating func next() -> Int? {
        while let next = order.popFirst() {
            guard waiting.remove(next) != nil else { continue }
            granted.insert(next)
            return next
        }
        free += 1
        return nil
    }
}
