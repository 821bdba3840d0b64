import Testing
import TroupeRedisTestKit

@testable import Gateway

// One gateway whose subscription breaks, and whose Redis restarts from an older state, at any
// moment; the events themselves are kept in streams. What is checked: while the cache is in use,
// nothing older than what the streams held when it came into use is given to anyone.

/// A rule that a run of the exploration leaves out.
enum InterruptionRule: CaseIterable {
    case suspendsWhenInterrupted, catchesUpBeforeResuming, fillsUnderWayAreNotKept
    case runIsComparedWithTheEntry, replicationIsComparedWithTheEntry
}

private let tag = CacheTag("order", "1")
private let present = Moment(nanoseconds: 0)

/// A restart changes the run, following another server for a while changes the replication; both
/// can bring older numbers back.
private struct Identity: Hashable {
    var run = 0
    var replication = 0
}

private struct Entry: Hashable {
    var identity: Identity
    var version: Int
    var generation: Int
}

/// What the server of the second level holds, and can fall back to.
private struct Server: Hashable {
    var generation: Int?
    var entry: Entry?
}

private enum Link: Hashable {
    case live
    /// Broken, and the gateway does not know yet.
    case broken
    /// The gateway knows, and has suspended.
    case interrupted
    /// Subscribed again; what was missed is still to be raised.
    case active
}

private enum Activity: Hashable {
    case none
    case reading(CoherenceLedger.Reading, Entry?)
    case begun(CoherenceLedger.Fill)
    case watched(CoherenceLedger.Fill, Identity, generation: Int)
    case fetched(CoherenceLedger.Fill, Identity, generation: Int, version: Int)
}

private struct World: Hashable {
    var version = 0
    var server = Server()
    var saved = Server()
    var identity = Identity()
    var starts = 0
    var link = Link.live
    var ledger = CoherenceLedger(isSuspended: false)
    var kept: Int?
    var taken = 0
    var activity = Activity.none
    var fills = 0
    var breaks = 0
    var restarts = 0
    var changesOfRole = 0
}

private struct InterruptionModel: Exploration {
    var leftOut: InterruptionRule?
    var events = 2
    var fills = 2
    var breaks = 1
    var restarts = 1
    var changesOfRole = 0
    let start = World()

    func successors(of world: World) -> [World] {
        var next = activities(of: world) + links(of: world)
        if world.version < events { next.append(world.with { $0.version += 1 }) }
        if world.saved != world.server {
            next.append(world.with { $0.saved = $0.server })
        }
        if world.restarts < restarts {
            next.append(
                world.with {
                    $0.restarts += 1
                    $0.identity.run += 1
                    $0.server = $0.saved
                    if $0.link != .interrupted { $0.link = .broken }
                })
        }
        if world.changesOfRole < changesOfRole {
            next.append(
                world.with {
                    $0.changesOfRole += 1
                    $0.identity.replication += 1
                    $0.server = $0.saved
                })
        }
        return next
    }

    private func links(of world: World) -> [World] {
        switch world.link {
        case .live:
            var next: [World] = []
            if world.breaks < breaks {
                next.append(
                    world.with {
                        $0.link = .broken
                        $0.breaks += 1
                    })
            }
            if world.taken < world.version { next.append(world.with { take(&$0) }) }
            return next
        case .broken:
            return [
                world.with {
                    $0.link = .interrupted
                    if leftOut == .suspendsWhenInterrupted { return }
                    let suspended = $0.ledger
                    _ = $0.ledger.suspend()
                    if leftOut == .fillsUnderWayAreNotKept, case .fetched = $0.activity {
                        $0.ledger = suspended
                    }
                    $0.kept = nil
                }
            ]
        case .interrupted:
            return [world.with { $0.link = .active }]
        case .active:
            return [world.with { resume(&$0) }]
        }
    }

    /// Take, raise and settle in one: what lies between is the other exploration's subject.
    private func take(_ world: inout World) {
        world.taken += 1
        world.kept = nil
        _ = world.ledger.take([tag])
        world.server.generation = world.server.generation.map { $0 + 1 }
        world.ledger.settled([tag])
    }

    private func resume(_ world: inout World) {
        world.link = .live
        let missed = world.version > world.taken
        world.taken = world.version
        if missed, leftOut != .catchesUpBeforeResuming {
            world.server.generation = world.server.generation.map { $0 + 1 }
        }
        world.ledger.resume(until: .latest)
    }

    private func activities(of world: World) -> [World] {
        switch world.activity {
        case .none:
            guard world.kept == nil, world.fills < fills else { return [] }
            return [
                world.with {
                    $0.fills += 1
                    $0.activity = .reading($0.ledger.beginReading(), found($0))
                },
                world.with {
                    $0.fills += 1
                    let fill = $0.ledger.beginFill()
                    $0.ledger.watch([tag], by: fill)
                    $0.activity = .begun(fill)
                },
            ]
        case .reading(let reading, let entry):
            return [
                world.with {
                    if let entry, $0.ledger.believes([tag], from: reading, at: present) {
                        $0.kept = entry.version
                    }
                    $0.ledger.end(reading)
                    $0.activity = .none
                }
            ]
        case .begun(let fill):
            return [
                world.with {
                    if $0.server.generation == nil {
                        $0.starts += 1
                        $0.server.generation = $0.starts * 1_000
                    }
                    $0.activity = .watched(
                        fill, $0.identity, generation: $0.server.generation ?? 0)
                }
            ]
        case .watched(let fill, let identity, let generation):
            return [
                world.with {
                    $0.activity = .fetched(
                        fill, identity, generation: generation, version: $0.version)
                }
            ]
        case .fetched(let fill, let identity, let generation, let version):
            return [
                world.with {
                    if $0.server.generation == generation {
                        $0.server.entry = Entry(
                            identity: identity, version: version, generation: generation)
                    }
                    if $0.ledger.finish(fill) == .sound { $0.kept = version }
                    $0.activity = .none
                }
            ]
        }
    }

    /// What a reading finds: entry and generation in one, so that only the run can differ.
    private func found(_ world: World) -> Entry? {
        guard let entry = world.server.entry, entry.generation == world.server.generation,
            entry.identity.run == world.identity.run || leftOut == .runIsComparedWithTheEntry,
            entry.identity.replication == world.identity.replication
                || leftOut == .replicationIsComparedWithTheEntry
        else { return nil }
        return entry
    }

    func violation(in world: World) -> String? {
        guard world.link == .live, let kept = world.kept, kept < world.taken else { return nil }
        return "version \(kept) is in use after event \(world.taken)"
    }
}

extension World {
    fileprivate func with(_ change: (inout World) -> Void) -> World {
        var copy = self
        change(&copy)
        return copy
    }
}

@Suite(.timeLimit(.minutes(3)))
struct InterruptionTests {
    @Test func brokenSubscriptionsAndRestartsServeNothingOld() async {
        let outcome = await InterruptionModel().run()

        #expect(outcome.violation == nil)
        #expect(outcome.states > 10_000)
    }

    @Test func changesOfRoleServeNothingOld() async {
        let outcome = await InterruptionModel(restarts: 0, changesOfRole: 1).run()

        #expect(outcome.violation == nil)
        #expect(outcome.states > 1_000)
    }

    @Test(arguments: InterruptionRule.allCases)
    func everyRuleIsNeeded(leftOut: InterruptionRule) async {
        let changesOfRole = leftOut == .replicationIsComparedWithTheEntry ? 1 : 0
        let outcome = await InterruptionModel(
            leftOut: leftOut, restarts: 1 - changesOfRole, changesOfRole: changesOfRole
        ).run()

        #expect(outcome.violation != nil, "nothing breaks without \(leftOut)")
    }
}
