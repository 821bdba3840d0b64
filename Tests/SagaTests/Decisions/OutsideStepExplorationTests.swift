import Saga
import Testing

/// One step that acts outside, a replica with its event, one with the cancellation, and all that
/// can come between: deaths, calls without an answer or on their way for long, dead letters.
///
/// In the end the cancellation has its answer, and nothing stands outside.
@Suite(.timeLimit(.minutes(1)))
struct OutsideStepExplorationTests {
    @Test func whateverComesNothingIsLeftStanding() {
        let explored = OutsideStep().explore()

        #expect(explored.violation == nil)
        #expect(explored.states > 500)
    }

    @Test(arguments: OutsideStep.Rule.allCases)
    func everyRuleIsNeeded(_ rule: OutsideStep.Rule) {
        #expect(OutsideStep(without: rule).explore().violation != nil)
    }
}

struct OutsideStep {
    enum Rule: CaseIterable {
        /// An event that is set aside leaves `unknown` behind.
        case letterLeavesATrace
        /// A failure for the business, after a try whose end nobody knows, undoes first.
        case failureAfterUnknownUndoes
        /// What is `unknown` is undone by a compensation.
        case unknownIsUndone
        /// What acted and finds that it was refused or undone is taken back.
        case takesBack
        /// The company refuses a key that was undone.
        case undoneKeyIsRefused
        /// Who gets an event again knows that it was delivered before.
        case deliveriesAreRemembered
    }

    private enum Phase: Hashable {
        case begin(before: Bool)
        case act(StepAction, before: Bool, tried: Bool)
        case tried(before: Bool)
        case set(StepState, from: StepState, mayHaveActed: Bool, isLetter: Bool)
        case over
    }

    private struct World: Hashable {
        var stands = false
        var isUndone = false
        var isCallUnderWay = false
        var ledger = StepState.absent
        var forward = Phase.begin(before: false)
        var compensation = Phase.begin(before: false)
        var deaths = 2
        var isAnswered = false

        mutating func act(_ rule: Rule?) -> Bool {
            if isUndone, rule != .undoneKeyIsRefused { return false }
            stands = true
            return true
        }

        mutating func undo() {
            stands = false
            isUndone = true
        }
    }

    var without: Rule?

    func explore() -> (states: Int, violation: String?) {
        var seen: Set<World> = [World()]
        var waiting = Array(seen)
        while let world = waiting.popLast() {
            if let violation = violation(in: world) { return (seen.count, violation) }
            for next in successors(of: world) where seen.insert(next).inserted {
                waiting.append(next)
            }
        }
        return (seen.count, nil)
    }

    private func violation(in world: World) -> String? {
        guard world.forward == .over, world.compensation == .over, !world.isCallUnderWay else {
            return nil
        }
        if !world.isAnswered { return "the cancellation has no answer: \(world)" }
        if world.stands { return "cancelled, and it stands: \(world)" }
        return world.ledger == .unknown ? "unknown for ever: \(world)" : nil
    }

    private func successors(of world: World) -> [World] {
        var successors = forward(world) + compensation(world)
        if world.isCallUnderWay {
            var next = world
            next.isCallUnderWay = false
            _ = next.act(without)
            successors.append(next)
        }
        for die in [die(\.forward), die(\.compensation)] where world.deaths > 0 {
            successors += die(world)
        }
        return successors
    }

    private func die(_ replica: WritableKeyPath<World, Phase>) -> (World) -> [World] {
        { world in
            guard world[keyPath: replica] != .over else { return [] }
            var next = world
            next.deaths -= 1
            next[keyPath: replica] = .begin(before: without != .deliveriesAreRemembered)
            return [next]
        }
    }

    // MARK: - The event that starts the step

    private func forward(_ world: World) -> [World] {
        var next = world
        switch world.forward {
        case .over: return []
        case .begin(let before):
            next.forward = phase(
                StepMachine.action(.forward, in: world.ledger), before: before, tried: before)
            return [next]
        case .act(.perform, let before, let tried):
            return perform(world, before: before, tried: tried)
        case .tried(let before):
            return [
                following(.gaveUp(afterUnknown: true), in: world), following(.died, in: world),
                {
                    next.forward = .act(.perform, before: before, tried: true)
                    return next
                }(),
            ]
        case .act(let action, _, _):
            next.undo()
            next.forward =
                action == .giveUp
                ? .set(.failed, from: .unknown, mayHaveActed: false, isLetter: false) : .over
            return [next]
        case .set(let state, let from, let mayHaveActed, let isLetter):
            next.forward = set(state, from, mayHaveActed, isLetter, &next.ledger)
            return [next]
        }
    }

    private func perform(_ world: World, before: Bool, tried: Bool) -> [World] {
        var (acted, late, refused) = (world, world, world)
        let works = acted.act(without)
        if works { acted = following(.succeeded, in: acted) }
        late.isCallUnderWay = true
        late.forward = .tried(before: before)
        let hides = without == .failureAfterUnknownUndoes
        refused = following(.refused(afterUnknown: tried && !hides), in: refused)
        var silent = works ? acted : world
        silent.forward = .tried(before: before)
        // Nothing could be sent, for as long as it is tried.
        let unsent = following(.gaveUp(afterUnknown: tried), in: world)
        return [late, refused, silent, unsent] + (works ? [acted] : [])
    }

    private func following(_ ending: StepEnding, in world: World) -> World {
        var next = world
        let state = StepMachine.next(after: ending)
        let isLetter = ending == .died
        next.forward =
            isLetter && without == .letterLeavesATrace
            ? .over
            : .set(
                state, from: .absent,
                mayHaveActed: ending != .refused(afterUnknown: false)
                    && ending != .gaveUp(afterUnknown: false),
                isLetter: isLetter)
        return next
    }

    /// Compares and sets; what the replica does then.
    private func set(
        _ state: StepState, _ from: StepState, _ mayHaveActed: Bool, _ isLetter: Bool,
        _ ledger: inout StepState
    ) -> Phase {
        guard ledger == from else {
            let action = StepMachine.actionAfterRefusal(
                of: .forward, mayHaveActed: mayHaveActed, by: ledger)
            if isLetter, action != .takeBack { return .over }
            return phase(action, before: true, tried: true)
        }
        ledger = state
        return state == .unknown && !isLetter
            ? .act(.giveUp, before: true, tried: true) : .over
    }

    private func phase(_ action: StepAction, before: Bool, tried: Bool) -> Phase {
        switch action {
        case .answerAgain, .notYet, .ignore, .contradiction: .over
        case .takeBack where without == .takesBack: .over
        default: .act(action, before: before, tried: tried)
        }
    }

    // MARK: - The cancellation

    private func compensation(_ world: World) -> [World] {
        var next = world
        switch world.compensation {
        case .over, .tried: return []
        case .begin:
            let action = StepMachine.action(.compensate, in: world.ledger)
            switch action {
            case .undo(from: .unknown) where without == .unknownIsUndone:
                next.isAnswered = true
                next.compensation = .over
            case .undo, .refuseForever:
                next.compensation = .act(action, before: false, tried: false)
            default:
                next.isAnswered = true
                next.compensation = .over
            }
        case .act(.undo(let state), _, _):
            next.undo()
            next.compensation = .set(
                .compensated, from: state, mayHaveActed: false, isLetter: false)
        case .act:
            next.compensation = .set(
                .tombstone, from: .absent, mayHaveActed: false, isLetter: false)
        case .set(let state, let from, _, _):
            let applies = world.ledger == from
            if applies { next.ledger = state }
            next.isAnswered = world.isAnswered || applies
            next.compensation = applies ? .over : .begin(before: true)
        }
        return [next]
    }
}
