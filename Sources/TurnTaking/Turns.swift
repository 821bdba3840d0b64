import DequeModule

/// Who may go on where only so many may at once; pure.
///
///     enter ──▶ granted ──leave──▶ the one that has waited longest is granted
///        │         ▲
///        └▶ waits ─┘
///           │ leave: it goes, and nobody's turn comes
package struct Turns: Sendable {
    private var free: Int
    private var nextNumber = 0
    private var granted: Set<Int> = []
    private var waiting: Set<Int> = []
    /// In the order in which they came; those that have left meanwhile are passed over.
    private var order: Deque<Int> = []

    /// At least one turn at once.
    package init(atMost count: Int) {
        free = max(1, count)
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

    package func isGranted(_ number: Int) -> Bool { granted.contains(number) }

    /// Goes, whether it had its turn or not; nothing if it has gone already.
    ///
    /// - Returns: whose turn it is now.
    package mutating func leave(_ number: Int) -> Int? {
        if waiting.remove(number) != nil { return nil }
        guard granted.remove(number) != nil else { return nil }
        while let next = order.popFirst() {
            guard waiting.remove(next) != nil else { continue }
            granted.insert(next)
            return next
        }
        free += 1
        return nil
    }
}
