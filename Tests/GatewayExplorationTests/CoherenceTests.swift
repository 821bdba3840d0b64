import Testing
import TroupeRedisTestKit

@testable import Gateway

// Every interleaving of two gateways, one tag, a second level and a service whose version rises
// with each event, with the ledger the cache really uses. The tag's generation is not always there:
// a fill makes it before it fetches, it can end at any moment, and a raise leaves it away. What is
// checked in each state:
//
//   - no gateway holds, gives to a new request, or joins new requests to a version older than an
//     event it has taken;
//   - when everything is delivered, no entry that would be believed is old.
//
// And each rule, left out, must let something through.

/// A rule that a run of the exploration leaves out.
enum LeftOut: CaseIterable {
    case watchBeforeFetch, generationBeforeFetch, overtakenFillsAreNotKept, overtakenAreNotJoined
    case generationsAreCompared, generationsOnlyRise, startsAreFresh, believesOnlyTheSettled
    case absentEqualsNothing
}

/// The same for fills that learn their tag from the answer.
enum LearnedLeftOut: CaseIterable {
    case learnedStaysHere, comparesWithWhatWasTaken
}

private let tag = CacheTag("order", "1")
private let present = Moment(nanoseconds: 0)

private struct Entry: Hashable {
    var version: Int
    var generation: Int
}

/// What a fill knows of the generation from before it fetched.
private enum Seen: Hashable {
    case notAsked, absent
    case number(Int)
}

private enum Activity: Hashable {
    case none
    case reading(CoherenceLedger.Reading, Entry?)
    case compared(CoherenceLedger.Reading, Entry?)
    case begun(CoherenceLedger.Fill)
    case watched(CoherenceLedger.Fill, Seen)
    case fetched(CoherenceLedger.Fill, Seen, version: Int)
    case storing(Seen, version: Int)
}

/// A few events by number.
private struct Events: OptionSet, Hashable {
    let rawValue: Int

    static func number(_ event: Int) -> Events { Events(rawValue: 1 << event) }

    var numbers: [Int] { (0..<8).filter { contains(.number($0)) } }
}

private struct GatewayModel: Hashable {
    var ledger = CoherenceLedger(isSuspended: false)
    var kept: Int?
    var taken = 0
    var raising = Events()
    var raised = Events()
    var activity = Activity.none
    var isJoinable = false
    var begun = 0
}

extension GatewayModel {
    /// Without most of the ledger, which is costly to hash and mostly follows from the rest.
    func hash(into hasher: inout Hasher) {
        hasher.combine(ledger.now)
        hasher.combine(kept)
        hasher.combine(taken)
        hasher.combine(raising)
        hasher.combine(raised)
        hasher.combine(activity)
        hasher.combine(isJoinable)
        hasher.combine(begun)
    }
}

private struct World: Hashable {
    var version = 0
    var generation: Int?
    var starts = 0
    var known = Events()
    var entry: Entry?
    var evictions = 0
    var gateways = [GatewayModel(), GatewayModel()]
}

private struct CoherenceModel: Exploration {
    var events: Int
    var fills: Int
    var evictions = 0
    var leftOut: LeftOut?
    /// Whether fills learn their tag from the answer.
    var learns = false
    var learnedLeftOut: LearnedLeftOut?
    let start = World()

    /// All that can happen next.
    func successors(of world: World) -> [World] {
        var next: [World] = []
        if world.version < events {
            next.append(world.with { $0.version += 1 })
        }
        if world.evictions < evictions, world.generation != nil {
            next.append(
                world.with {
                    $0.generation = nil
                    $0.evictions += 1
                })
        }
        for index in world.gateways.indices {
            next += changes(of: world, index) + activities(of: world, index)
        }
        return next.map(\.sorted)
    }

    private func changes(of world: World, _ index: Int) -> [World] {
        var next: [World] = []
        let gateway = world.gateways[index]
        if gateway.taken < world.version {
            next.append(world.with(index) { take(&$0) })
        }
        for event in gateway.raising.numbers {
            next.append(
                world.with {
                    raise(event, &$0)
                    $0.gateways[index].raising.remove(.number(event))
                    $0.gateways[index].raised.insert(.number(event))
                })
        }
        for event in gateway.raised.numbers {
            next.append(
                world.with(index) {
                    $0.raised.remove(.number(event))
                    if leftOut != .believesOnlyTheSettled { $0.ledger.settled([tag]) }
                })
        }
        return next
    }

    private func take(_ gateway: inout GatewayModel) {
        gateway.taken += 1
        gateway.kept = nil
        gateway.raising.insert(.number(gateway.taken))
        let overtaken = gateway.ledger.take([tag])
        if leftOut == .believesOnlyTheSettled { gateway.ledger.settled([tag]) }
        if !overtaken.isEmpty, leftOut != .overtakenAreNotJoined { gateway.isJoinable = false }
    }

    private func raise(_ event: Int, _ world: inout World) {
        guard let generation = world.generation else { return }
        if leftOut == .generationsOnlyRise {
            world.generation = event * 100
        } else if world.known.insert(.number(event)).inserted {
            world.generation = generation + 1
        }
    }

    private func activities(of world: World, _ index: Int) -> [World] {
        let gateway = world.gateways[index]
        switch gateway.activity {
        case .none:
            guard gateway.kept == nil, gateway.begun < fills else { return [] }
            return [
                world.with(index) { begin(&$0, .reading($0.ledger.beginReading(), world.entry)) },
                world.with(index) { beginFill(&$0, world) },
            ]
        case .reading(let reading, let entry):
            let isCurrent =
                leftOut == .generationsAreCompared || entry?.generation == world.generation
            return [
                world.with(index) { $0.activity = .compared(reading, isCurrent ? entry : nil) }
            ]
        case .compared(let reading, let entry):
            return [world.with(index) { answered(&$0, reading, entry) }]
        case .begun(let fill):
            return [world.with { readGeneration(&$0, index, fill) }]
        case .watched(let fill, let seen):
            return [
                world.with(index) { $0.activity = .fetched(fill, seen, version: world.version) }
            ]
        case .fetched(let fill, let seen, let version):
            return [world.with { finished(&$0, index, fill, seen, version) }]
        case .storing(let seen, let version):
            return [
                world.with {
                    store(&$0, seen, version)
                    $0.gateways[index].activity = .none
                }
            ]
        }
    }

    private func begin(_ gateway: inout GatewayModel, _ activity: Activity) {
        gateway.activity = activity
        gateway.begun += 1
        gateway.isJoinable = true
    }

    private func beginFill(_ gateway: inout GatewayModel, _ world: World) {
        let fill = gateway.ledger.beginFill()
        if leftOut != .watchBeforeFetch, !learns { gateway.ledger.watch([tag], by: fill) }
        begin(&gateway, .begun(fill))
        if learns { gateway.activity = .watched(fill, .notAsked) }
        if leftOut == .generationBeforeFetch {
            gateway.activity = .fetched(fill, .notAsked, version: world.version)
        }
    }

    /// The script that lets the generation live, and the entry behind it.
    private func store(_ world: inout World, _ seen: Seen, _ version: Int) {
        switch seen {
        case .number(let number) where world.generation == number:
            world.entry = Entry(version: version, generation: number)
        case .absent where world.generation == nil:
            world.entry = Entry(version: version, generation: generation(of: &world))
        default: break
        }
    }

    private func answered(
        _ gateway: inout GatewayModel, _ reading: CoherenceLedger.Reading, _ entry: Entry?
    ) {
        if let entry, gateway.ledger.believes([tag], from: reading, at: present) {
            gateway.kept = entry.version
        }
        gateway.ledger.end(reading)
        gateway.activity = .none
        gateway.isJoinable = false
    }

    private func readGeneration(_ world: inout World, _ index: Int, _ fill: CoherenceLedger.Fill) {
        if leftOut == .absentEqualsNothing, world.generation == nil {
            world.gateways[index].activity = .watched(fill, .absent)
        } else {
            let generation = generation(of: &world)
            world.gateways[index].activity = .watched(fill, .number(generation))
        }
    }

    private func generation(of world: inout World) -> Int {
        if let generation = world.generation { return generation }
        world.starts += 1
        let start = leftOut == .startsAreFresh ? 1_000 : world.starts * 1_000
        world.generation = start
        return start
    }

    private func finished(
        _ world: inout World, _ index: Int, _ fill: CoherenceLedger.Fill, _ seen: Seen,
        _ version: Int
    ) {
        if leftOut == .watchBeforeFetch || learnedLeftOut == .comparesWithWhatWasTaken {
            world.gateways[index].ledger.watch([tag], by: fill)
        } else if learns {
            world.gateways[index].ledger.learn([tag], by: fill)
        }
        let mayKeep = world.gateways[index].ledger.finish(fill) == .sound
        if mayKeep || leftOut == .overtakenFillsAreNotKept { world.gateways[index].kept = version }
        world.gateways[index].isJoinable = false
        world.gateways[index].activity = .none
        guard !learns || learnedLeftOut == .learnedStaysHere else { return }
        let stored = seen == .notAsked ? .number(generation(of: &world)) : seen
        world.gateways[index].activity = .storing(stored, version: version)
    }

    /// What must never be, if it is so.
    func violation(in world: World) -> String? {
        for gateway in world.gateways {
            if let kept = gateway.kept, kept < gateway.taken {
                return "version \(kept) is kept after event \(gateway.taken) was taken"
            }
            if case .fetched(_, _, let version) = gateway.activity, gateway.isJoinable,
                version < gateway.taken, leftOut != .watchBeforeFetch, !learns
            {
                return "version \(version) can be joined after event \(gateway.taken)"
            }
        }
        guard let entry = world.entry, world.version == events,
            world.gateways.allSatisfy({
                $0.taken == events && $0.raising.isEmpty && $0.activity == .none
            })
        else { return nil }
        let isReadable =
            entry.generation == world.generation || leftOut == .generationsAreCompared
        return isReadable && entry.version < events ? "an old entry stays readable" : nil
    }
}

extension World {
    /// The same with its gateways in an order of their own: who is first does not matter.
    fileprivate var sorted: World {
        gateways[0].hashValue <= gateways[1].hashValue
            ? self : with { $0.gateways.swapAt(0, 1) }
    }

    fileprivate func with(_ change: (inout World) -> Void) -> World {
        var copy = self
        change(&copy)
        return copy
    }

    fileprivate func with(_ index: Int, _ change: (inout GatewayModel) -> Void) -> World {
        with { change(&$0.gateways[index]) }
    }
}

@Suite(.timeLimit(.minutes(4)))
struct CoherenceTests {
    @Test func twoGatewaysAndTwoEventsServeNothingOld() async {
        let outcome = await CoherenceModel(events: 2, fills: 1).run()

        #expect(outcome.violation == nil)
        #expect(outcome.states > 10_000)
    }

    @Test func repeatedFillsAndALostGenerationServeNothingOld() async {
        let outcome = await CoherenceModel(events: 1, fills: 2, evictions: 1).run()

        #expect(outcome.violation == nil)
        #expect(outcome.states > 10_000)
    }

    @Test func answersThatTellOfTheirTagThemselvesServeNothingOld() async {
        for (events, fills) in [(2, 1), (1, 2)] {
            let outcome = await CoherenceModel(events: events, fills: fills, learns: true).run()

            #expect(outcome.violation == nil)
            #expect(outcome.states > 500)
        }
    }

    @Test(arguments: LearnedLeftOut.allCases)
    func everyRuleAboutLearnedTagsIsNeeded(leftOut: LearnedLeftOut) async {
        let outcome = await CoherenceModel(
            events: 1, fills: 2, learns: true, learnedLeftOut: leftOut
        ).run()

        #expect(outcome.violation != nil, "nothing breaks without \(leftOut)")
    }

    @Test(arguments: LeftOut.allCases)
    func everyRuleIsNeeded(leftOut: LeftOut) async {
        var outcome = await CoherenceModel(events: 1, fills: 2, evictions: 1, leftOut: leftOut)
            .run()
        if outcome.violation == nil {
            outcome = await CoherenceModel(events: 2, fills: 2, leftOut: leftOut).run()
        }

        #expect(outcome.violation != nil, "nothing breaks without \(leftOut)")
    }
}

/// The same with more of everything.
@Suite(.long, .timeLimit(.minutes(30)))
struct LongCoherenceTests {
    @Test func twoGatewaysWhoseAnswersTellOfTheirTagThemselvesServeNothingOld() async {
        let outcome = await CoherenceModel(events: 2, fills: 2, learns: true).run()

        #expect(outcome.violation == nil)
        #expect(outcome.states > 100_000)
    }
}
