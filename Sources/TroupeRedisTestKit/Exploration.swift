/// A model of which every state is visited: what can happen next, and what must never be.
package protocol Exploration {
    /// Everything that the model knows at one time.
    associatedtype World: Hashable

    /// Where it begins.
    var start: World { get }

    /// All that can happen next.
    func successors(of world: World) -> [World]

    /// What must never be, if it is so.
    func violation(in world: World) -> String?
}

/// What came of an exploration.
package struct ExplorationOutcome: Sendable {
    /// States visited.
    package let states: Int
    /// The first violation that was found.
    package let violation: String?
}

extension Exploration {
    /// Visits every state that can be reached, up to the first violation.
    ///
    /// A model with more states than the limit is one: nobody knows what lies behind it.
    package func run(limit: Int = 10_000_000) async -> ExplorationOutcome {
        var seen: Set<World> = [start]
        var queue = Array(seen)
        while let world = queue.popLast() {
            // Other tests share these threads.
            if seen.count.isMultiple(of: 64) { await Task.yield() }
            let violation =
                violation(in: world) ?? (seen.count > limit ? "more than \(limit) states" : nil)
            if let violation {
                return ExplorationOutcome(states: seen.count, violation: violation)
            }
            for next in successors(of: world) where seen.insert(next).inserted {
                queue.append(next)
            }
        }
        return ExplorationOutcome(states: seen.count, violation: nil)
    }
}
