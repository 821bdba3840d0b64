import Testing

@testable import Saga

/// Every order in which processes die and entries end, with one entry that brings processes down.
@Suite(.timeLimit(.minutes(3)))
struct SuspectExplorationTests {
    @Test(arguments: 0..<5) func onlyThePoisonBecomesALetter(poison: Int) {
        let outcome = Model(count: 5, poison: poison, kills: 0).run()
        #expect(outcome.violation == nil)
        #expect(outcome.states > 50)
    }

    /// Twice a process is killed from outside: the third time could meet one that is alone again.
    @Test func whoeverElseKillsProcessesNoInnocentBecomesALetter() {
        let outcome = Model(count: 5, poison: 3, kills: 2).run()
        #expect(outcome.violation == nil)
        #expect(outcome.states > 500)
    }

    @Test func withoutPoisonEverythingEnds() {
        let outcome = Model(count: 5, poison: nil, kills: 2).run()
        #expect(outcome.violation == nil)
    }
}

/// One process at a time, and the mark that it leaves.
///
///     all run for the first time ──▶ groups, each marked ──▶ ended, or a letter
///           │ dies                      │ dies, is killed, is stopped
///           └───────────────────────────┴──▶ the next process knows the mark alone
private struct Model {
    struct World: Hashable {
        var running: Set<Int>
        var ended: Set<Int> = []
        var letters: Set<Int> = []
        var suspects = Suspects(bounds: [4, 2, 1])
        var mark = Suspects(bounds: [4, 2, 1])
        var isFresh = true
        var kills: Int
        var deaths = 0
    }

    let count: Int
    let poison: Int?
    let kills: Int

    var start: World { World(running: Set(0..<count), kills: kills) }

    /// Visits every state that can be reached, up to the first violation.
    func run() -> (states: Int, violation: String?) {
        var seen: Set<World> = [start]
        var queue = Array(seen)
        while let world = queue.popLast() {
            if let violation = violation(in: world) { return (seen.count, violation) }
            for next in successors(of: world) where seen.insert(next).inserted {
                queue.append(next)
            }
        }
        return (seen.count, nil)
    }

    func successors(of world: World) -> [World] {
        var next: [World] = []
        if world.running.isEmpty {
            if let begun = begun(world) { next.append(begun) }
        } else {
            for entry in world.running {
                var after = world
                if entry == poison, !world.letters.contains(entry) {
                    after.deaths += 1
                    next.append(successor(of: after))
                    continue
                }
                after.running.remove(entry)
                after.ended.insert(entry)
                if after.running.isEmpty, !after.isFresh { after.suspects.end() }
                next.append(after)
            }
        }
        guard world.ended.count < count else { return next }
        if world.kills > 0 {
            var after = world
            after.kills -= 1
            next.append(successor(of: after))
        }
        if !world.isFresh {
            var after = world
            after.suspects.leave()
            after.mark = after.suspects
            next.append(successor(of: after))
        }
        return next
    }

    /// Marks the next group and fetches it.
    private func begun(_ world: World) -> World? {
        let pending = (0..<count).filter { !world.ended.contains($0) }.map(Self.entry)
        guard !pending.isEmpty else { return nil }
        var world = world
        world.isFresh = false
        world.suspects.begin(world.suspects.group(among: pending))
        world.mark = world.suspects
        for entry in world.suspects.trying {
            let number = Int(entry.id) ?? 0
            world.running.insert(number)
            if world.suspects.deaths(of: entry) >= 3 { world.letters.insert(number) }
        }
        return world
    }

    /// The process is gone; the next one knows what is in the store.
    private func successor(of world: World) -> World {
        var world = world
        world.running = []
        world.isFresh = false
        world.suspects = Suspects(bounds: [4, 2, 1])
        world.suspects.inherit(from: world.mark)
        world.mark = world.suspects
        return world
    }

    private static func entry(_ number: Int) -> Suspects.Entry {
        Suspects.Entry(type: "T", id: "\(number)")
    }

    func violation(in world: World) -> String? {
        if let innocent = world.letters.first(where: { $0 != poison }) {
            return "\(innocent) became a letter"
        }
        // The first time, with four, with two, and three times alone; once more for each kill
        // that came before anybody was marked.
        if world.deaths > 6 { return "the poison killed \(world.deaths) processes" }
        if successors(of: world).isEmpty, world.ended.count < count { return "it stands still" }
        if world.ended.count == count, let poison, !world.letters.contains(poison) {
            return "the poison counts as dealt with"
        }
        return nil
    }
}
