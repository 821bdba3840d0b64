/// What the connections of all event loops hold for clients that do not take it; pure.
///
/// Each loop tells now and then what its own hold. One limit is for all of them together, so that
/// a reader may be slow as long as the others are not, and what holds most of all goes first: a
/// loop whose largest is not the largest leaves the cut to the one that has it.
package struct UnsentShare: Sendable {
    private let limit: Int
    private var held: [Int]
    private var largest: [Int]

    /// - Parameter loops: how many tell, each by its place.
    package init(limit: Int, loops: Int) {
        self.limit = limit
        held = Array(repeating: 0, count: loops)
        largest = held
    }

    /// Takes what the connections of one loop hold, the largest first.
    ///
    /// - Returns: how many of them are to be ended, from the first on.
    package mutating func cuts(_ sizes: [Int], of loop: Int) -> Int {
        held[loop] = sizes.reduce(0, +)
        largest[loop] = 0
        let elsewhere = largest.max() ?? 0
        var total = held.reduce(0, +)
        var cuts = 0
        while total > limit, cuts < sizes.count, sizes[cuts] > 0, sizes[cuts] >= elsewhere {
            total -= sizes[cuts]
            held[loop] -= sizes[cuts]
            cuts += 1
        }
        largest[loop] = cuts < sizes.count ? sizes[cuts] : 0
        return cuts
    }
}
