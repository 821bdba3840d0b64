import Saga
import Testing

/// A step whose unknown outcome is asked about, delivered to two replicas, with what is owed of it
/// and the cancellation: in every order, with calls that are on their way for long, keys in use,
/// answers given a moment too early, and a death.
///
///     the same event twice ─▶ A, B ─┐                     ┌─▶ company: one outcome a key
///     the cancellation ─────▶ C ────┼─ ledger, by compare ┤
///     what is owed ─────────▶ D ────┘  and set            └─▶ a person, once
///
/// In the end what the ledger says and what stands outside are the same.
@Suite(.timeLimit(.minutes(5)))
struct AskedStepExplorationTests {
    @Test(arguments: [UnknownPolicy.askFirst, .park])
    func inTheEndLedgerAndCompanySayTheSame(_ policy: UnknownPolicy) {
        for isCancelled in [true, false] {
            let explored = AskedStep(policy, isCancelled: isCancelled).explore()

            #expect(explored.violation == nil)
            #expect(explored.states > 1_000)
        }
    }

    @Test(arguments: AskedStep.Rule.allCases)
    func everyRuleIsNeeded(_ rule: AskedStep.Rule) {
        let found = [true, false].compactMap {
            AskedStep(rule.policy, without: rule, isCancelled: $0).explore().violation
        }

        #expect(!found.isEmpty)
    }
}

struct AskedStep {
    enum Rule: CaseIterable {
        /// Who undoes says so in the ledger before.
        case undoingIsAnnounced
        /// `done` compares all of the entry that was asked about.
        case doneComparesTheWholeEntry
        /// What had not acted is performed under the same key.
        case sameKey
        /// A refusal after the question undoes before it fails.
        case refusalUndoes
        /// A cancellation leaves a note before it undoes.
        case cancellationLeavesANote
        /// A key that was undone is refused.
        case undoneKeyIsRefused
        /// What a person is asked is not undone before there is an answer.
        case cancellationWaitsForThePerson

        var policy: UnknownPolicy { self == .cancellationWaitsForThePerson ? .park : .askFirst }
    }

    private enum Key { case first, second }

    private enum Phase: Hashable {
        case start
        /// Calls the company; `again` if it is not the first time, so that the ledger says unknown.
        case act(again: Bool, isSure: Bool)
        /// A call came to no end.
        case tried(again: Bool)
        /// Decides upon what the ledger says.
        case decide(mayHaveActed: Bool)
        case asked(UnknownCause, acted: Bool)
        case setDone(again: Bool, UnknownCause)
        case setFailed(from: StepState)
        case undo
        case takeBack
        case over
    }

    private enum Role: Hashable { case forward, compensate }

    private struct Worker: Hashable {
        var phase = Phase.start
        var wasDelivered = false
        var role = Role.forward
        /// Whether it began after its cancellation had been heard.
        var isLate = false
    }

    private struct World: Hashable {
        var standing: Set<Key> = []
        var isUndone = false
        var underWay: Key?
        var ledger = StepState.absent
        var cause = UnknownCause.nobodyKnows
        var word: PersonalWord?
        var workers: [Worker]
        var owed: Role?
        var deaths = 1
        var isHeard = false
        var isAnswered: Bool
        var fault: String?
    }

    private let policy: UnknownPolicy
    private let without: Rule?
    private let isCancelled: Bool

    // Positions of the workers: two with the event, the cancellation, what is owed.
    private static let cancelling = 2
    private static let owing = 3

    init(_ policy: UnknownPolicy, without: Rule? = nil, isCancelled: Bool) {
        self.policy = policy
        self.without = without
        self.isCancelled = isCancelled
    }

    func explore() -> (states: Int, violation: String?) {
        var workers = [Worker(), Worker(wasDelivered: true), Worker(role: .compensate), Worker()]
        workers[Self.owing].phase = .over
        if !isCancelled { workers[Self.cancelling].phase = .over }
        let first = World(workers: workers, isAnswered: !isCancelled)
        var seen: Set<World> = [first]
        var waiting = [first]
        while let world = waiting.popLast() {
            if let violation = violation(in: world) { return (seen.count, violation) }
            for next in successors(of: world) where seen.insert(next).inserted {
                waiting.append(next)
            }
        }
        return (seen.count, nil)
    }

    private func violation(in world: World) -> String? {
        if let fault = world.fault { return fault }
        guard world.workers.allSatisfy({ $0.phase == .over }), world.owed == nil,
            world.underWay == nil, world.isAnswered
        else { return nil }
        if world.ledger == .unknown { return "unknown for ever: \(world)" }
        if (world.ledger == .done) == world.standing.isEmpty {
            return "\(world.ledger), and that stands: \(world)"
        }
        return world.standing.count > 1 ? "done twice: \(world)" : nil
    }

    private func successors(of world: World) -> [World] {
        var successors = surroundings(of: world)
        for position in world.workers.indices where world.workers[position].phase != .over {
            if world.deaths > 0 {
                var next = world
                next.deaths = 0
                next.workers[position].wasDelivered = true
                next.workers[position].phase = position == Self.owing ? .over : .start
                successors.append(next)
            }
            successors +=
                world.workers[position].role == .forward
                ? forward(world, position) : compensation(world, position)
        }
        return successors
    }

    /// Calls that arrive late, a person, the owner who asks again, and what is owed.
    private func surroundings(of world: World) -> [World] {
        var successors: [World] = []
        if let key = world.underWay {
            var next = world
            next.underWay = nil
            _ = act(key, &next)
            successors.append(next)
        }
        if policy == .park, world.word == nil, world.ledger == .unknown, world.underWay == nil {
            var next = world
            next.word = world.standing.isEmpty ? .undone : .done
            successors.append(next)
        }
        if isCancelled, !world.isAnswered, world.owed == nil,
            world.workers[Self.cancelling].phase == .over
        {
            var next = world
            next.workers[Self.cancelling].phase = .start
            successors.append(next)
        }
        if let owed = world.owed, world.workers[Self.owing].phase == .over {
            var next = world
            next.workers[Self.owing] = Worker(wasDelivered: true, role: owed, isLate: world.isHeard)
            successors.append(next)
        }
        return successors
    }

    private func act(_ key: Key, _ world: inout World) -> Bool {
        if world.isUndone, without != .undoneKeyIsRefused { return false }
        world.standing.insert(key)
        return true
    }

    // MARK: - Its ends

    private func over(_ world: World, _ position: Int) -> World {
        var next = world
        if position == Self.owing, next.owed == next.workers[position].role { next.owed = nil }
        next.workers[position].phase = .over
        return next
    }

    private func parked(_ world: World, _ position: Int) -> World {
        var next = world
        let role = next.workers[position].role
        next.owed = next.owed ?? role
        if role == .compensate { next.isHeard = true }
        next.workers[position].phase = .over
        return next
    }

    private func going(_ world: World, _ position: Int, _ phase: Phase) -> World {
        var next = world
        next.workers[position].phase = phase
        return next
    }

    // MARK: - The event that starts the step

    private func forward(_ world: World, _ position: Int) -> [World] {
        let worker = world.workers[position]
        func to(_ phase: Phase) -> World { going(world, position, phase) }
        switch worker.phase {
        case .over: return []
        case .start:
            if world.ledger == .unknown { return [to(.decide(mayHaveActed: true))] }
            switch StepMachine.action(.forward, in: world.ledger) {
            case .perform: return [to(.act(again: false, isSure: !worker.wasDelivered))]
            case .takeBack: return [to(.takeBack)]
            default: return [over(world, position)]
            }
        case .act(let again, let isSure): return calls(world, position, again, isSure)
        case .tried(let again): return afterTries(world, position, again)
        case .decide(let mayHaveActed):
            return decided(world, position, mayHaveActed: mayHaveActed)
        case .asked(_, let acted):
            return [
                to(acted ? .setDone(again: true, .nobodyKnows) : .act(again: true, isSure: false))
            ]
        case .setDone(let again, let cause):
            let isExpected =
                again
                ? world.ledger == .unknown
                    && (world.cause == cause || without == .doneComparesTheWholeEntry)
                : world.ledger == .absent
            guard isExpected else { return [to(.decide(mayHaveActed: true))] }
            var next = over(world, position)
            next.ledger = .done
            return [next]
        case .setFailed(let from):
            guard world.ledger == from else { return [to(.decide(mayHaveActed: false))] }
            var next = over(world, position)
            next.ledger = .failed
            // Its failure event answers the cancellation, too.
            if isCancelled { next.isAnswered = true }
            return [next]
        case .undo, .takeBack:
            var next = undone(world)
            next =
                worker.phase == .undo
                ? going(next, position, .setFailed(from: .unknown)) : over(next, position)
            return [next]
        }
    }

    private func undone(_ world: World) -> World {
        var next = world
        next.standing.remove(.first)
        next.isUndone = true
        return next
    }

    private func calls(
        _ world: World, _ position: Int, _ again: Bool, _ isSure: Bool
    ) -> [World] {
        var world = world
        if again, world.workers[position].isLate {
            world.fault = "it is performed long after its cancellation was heard"
            return [world]
        }
        let key: Key = again && without == .sameKey ? .second : .first
        var successors: [World] = []
        var acted = world
        if act(key, &acted) {
            successors.append(going(acted, position, .setDone(again: again, .nobodyKnows)))
            successors.append(going(acted, position, .tried(again: again)))
        } else {
            successors.append(going(world, position, .tried(again: again)))
        }
        if world.underWay == nil {
            var late = going(world, position, .tried(again: again))
            late.underWay = key
            successors.append(late)
        }
        if isSure, world.standing.isEmpty, world.underWay == nil {
            let next = StepMachine.next(after: .refused(afterUnknown: false))
            if next == .failed {
                successors.append(going(world, position, .setFailed(from: .absent)))
            }
        }
        successors.append(refused(world, position, again))
        return successors
    }

    /// A refusal after a try whose end nobody knows.
    private func refused(_ world: World, _ position: Int, _ again: Bool) -> World {
        if again, without == .refusalUndoes {
            return going(world, position, .setFailed(from: .unknown))
        }
        if again, without == .undoingIsAnnounced { return going(world, position, .undo) }
        let isExpected =
            again
            ? world.ledger == .unknown && world.cause == .nobodyKnows : world.ledger == .absent
        guard isExpected else { return going(world, position, .decide(mayHaveActed: true)) }
        var next = going(world, position, .decide(mayHaveActed: true))
        next.ledger = .unknown
        next.cause = .toBeUndone
        return next
    }

    private func afterTries(_ world: World, _ position: Int, _ again: Bool) -> [World] {
        let repeated = going(world, position, .act(again: again, isSure: false))
        if again { return [repeated, parked(world, position)] }
        var next = going(world, position, .decide(mayHaveActed: true))
        if world.ledger == .absent {
            next.ledger = .unknown
            next.cause = .nobodyKnows
        }
        return [repeated, next]
    }

    private func decided(_ world: World, _ position: Int, mayHaveActed: Bool) -> [World] {
        guard world.ledger == .unknown else {
            let action = StepMachine.actionAfterRefusal(
                of: .forward, mayHaveActed: mayHaveActed, by: world.ledger)
            return [
                action == .takeBack ? going(world, position, .takeBack) : over(world, position)
            ]
        }
        switch UnknownMachine.action(.forward, world.cause, policy, word: world.word) {
        case .ask:
            let acted = !world.standing.isEmpty
            return [
                going(world, position, .asked(world.cause, acted: acted)), parked(world, position),
            ]
        case .giveUp: return [going(world, position, .undo)]
        case .declareDone: return [going(world, position, .setDone(again: true, world.cause))]
        case .declareUndone: return [going(world, position, .setFailed(from: .unknown))]
        default: return [parked(world, position)]
        }
    }

    // MARK: - The cancellation

    private func compensation(_ world: World, _ position: Int) -> [World] {
        let worker = world.workers[position]
        switch worker.phase {
        case .over: return []
        case .undo, .takeBack:
            return [
                going(undone(world), position, .setFailed(from: world.ledger)),
                parked(world, position),
            ]
        case .setFailed(let from):
            guard world.ledger == from else { return [going(world, position, .start)] }
            return [answered(world, position, .compensated)]
        default: return [begun(world, position)]
        }
    }

    private func begun(_ world: World, _ position: Int) -> World {
        guard world.ledger == .unknown else {
            switch StepMachine.action(.compensate, in: world.ledger) {
            case .undo: return going(world, position, .undo)
            case .refuseForever: return answered(world, position, .tombstone)
            default: return answered(world, position, world.ledger)
            }
        }
        let undoesAtOnce =
            without == .cancellationLeavesANote || without == .cancellationWaitsForThePerson
        if undoesAtOnce { return going(world, position, .undo) }
        switch UnknownMachine.action(.compensate, world.cause, policy, word: world.word) {
        case .noteCalledOff:
            var next = going(world, position, .start)
            next.cause = .calledOff
            return next
        case .undo: return going(world, position, .undo)
        case .declareUndone: return answered(world, position, .compensated)
        default: return parked(world, position)
        }
    }

    private func answered(_ world: World, _ position: Int, _ state: StepState) -> World {
        var next = over(world, position)
        if next.ledger == .unknown, policy == .park, next.word == nil, next.cause != .toBeUndone {
            next.fault = "undone before a person has answered"
        }
        next.ledger = state
        next.isAnswered = true
        return next
    }
}
