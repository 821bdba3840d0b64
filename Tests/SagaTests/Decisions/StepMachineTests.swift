import Saga
import Testing

/// Two replicas that deal with the same step at once, interleaved at every point.
///
/// A replica decides on an assumption or a read, acts outside, then compares and sets; the
/// outside keeps books by idempotency key, and refuses a key that was undone.
@Suite(.timeLimit(.minutes(1)))
struct StepMachineTests {
    @Test func replicasThatRaceLeaveNothingBehind() {
        let roles: [StepRole] = [.forward, .forward, .compensate, .compensate]

        let ends = ReplicaRace(roles: roles).ends()

        #expect(!ends.isEmpty)
        for end in ends {
            #expect(end.ledger != .done && end.ledger != .absent, "\(end)")
            #expect(!end.isCharged, "\(end)")
            #expect(end.answers == 1, "\(end)")
        }
    }

    @Test func forwardAloneIsAppliedOnce() {
        for end in ReplicaRace(roles: [.forward, .forward]).ends() {
            #expect(end.isCharged == (end.ledger == .done), "\(end)")
            #expect(end.successes + end.answers == 1, "\(end)")
        }
    }

    @Test func takingBackIsNeeded() {
        let race = ReplicaRace(roles: [.forward, .compensate], takesBack: false)

        #expect(race.ends().contains { $0.isCharged && $0.ledger == .tombstone })
    }

    @Test func crashesBeforeTheTransitionLeaveNothingBehind() {
        let race = ReplicaRace(roles: [.forward, .compensate, .compensate], crashes: 2)

        for end in race.ends() {
            #expect(end.ledger != .done && end.ledger != .absent, "\(end)")
            #expect(!end.isCharged, "\(end)")
            #expect(end.answers == 1, "\(end)")
        }
    }

    @Test func whatWasDeliveredBeforeIsReadFirst() {
        #expect(StepMachine.assumed(.forward, deliveredBefore: false) == nil)
        #expect(
            StepMachine.assumed(.forward, deliveredBefore: false, actsOutside: false) == .absent)
        #expect(StepMachine.assumed(.forward, deliveredBefore: true) == nil)
        #expect(StepMachine.assumed(.finish, deliveredBefore: false) == nil)
        #expect(StepMachine.assumed(.finish, deliveredBefore: false, actsOutside: false) == .done)
        #expect(StepMachine.assumed(.compensate, deliveredBefore: false) == nil)
    }

    @Test(arguments: [
        (StepEnding.succeeded, StepState.done, StepState.done),
        (.rejected, .unknown, .failed),
        (.refused(afterUnknown: false), .failed, .failed),
        (.refused(afterUnknown: true), .unknown, .failed),
        (.gaveUp(afterUnknown: false), .failed, .failed),
        (.gaveUp(afterUnknown: true), .unknown, .failed),
        (.calledOff(afterUnknown: false), .absent, .absent),
        (.calledOff(afterUnknown: true), .unknown, .absent),
        (.died, .unknown, .absent),
    ])
    func onlyWhatMayHaveActedIsUnknown(
        _ ending: StepEnding, _ outside: StepState, _ inside: StepState
    ) {
        #expect(StepMachine.next(after: ending) == outside)
        #expect(StepMachine.next(after: ending, actsOutside: false) == inside)
    }
}

private struct ReplicaRace {
    struct End: Hashable {
        var ledger = StepState.absent
        var isCharged = false
        var isVoided = false
        var successes = 0
        /// Failure events and answers: what others wait for.
        var answers = 0
    }

    private enum Phase: Hashable {
        case begin(deliveredBefore: Bool)
        case act(StepAction)
        case set(StepAction, succeeded: Bool)
        case over
    }

    private struct World: Hashable {
        var end = End()
        var crashesLeft: Int
        var phases: [Phase]
    }

    let roles: [StepRole]
    var takesBack = true
    /// How often a replica may die between acting outside and its transition.
    ///
    /// Its event is delivered again.
    var crashes = 0

    func ends() -> Set<End> {
        let start = World(
            crashesLeft: crashes, phases: roles.map { _ in .begin(deliveredBefore: false) })
        var seen: Set<World> = [start]
        var waiting = [start]
        var ends: Set<End> = []
        while let world = waiting.popLast() {
            if world.phases.allSatisfy({ $0 == .over }) { ends.insert(world.end) }
            for replica in roles.indices {
                for next in step(replica, of: world) where seen.insert(next).inserted {
                    waiting.append(next)
                }
            }
        }
        return ends
    }

    private func step(_ replica: Int, of world: World) -> [World] {
        var next = world
        let role = roles[replica]
        switch world.phases[replica] {
        case .over:
            return []
        case .begin(let deliveredBefore):
            let state =
                StepMachine.assumed(role, deliveredBefore: deliveredBefore) ?? world.end.ledger
            let action = StepMachine.action(role, in: state)
            next.phases[replica] = phase(for: action)
            return [next]
        case .act(let action):
            return act(action, replica: replica, in: next)
        case .set(let action, let succeeded):
            compareAndSet(action, succeeded: succeeded, replica: replica, in: &next)
            return [next] + crash(replica, in: world)
        }
    }

    private func crash(_ replica: Int, in world: World) -> [World] {
        guard world.crashesLeft > 0 else { return [] }
        var next = world
        next.crashesLeft -= 1
        next.phases[replica] = .begin(deliveredBefore: true)
        return [next]
    }

    private func phase(for action: StepAction) -> Phase {
        switch action {
        case .answerAgain, .sayNotNeeded, .notYet, .ignore, .contradiction: .over
        case .takeBack where !takesBack: .over
        default: .act(action)
        }
    }

    /// A charge works, or is declined; an undo always works and voids the key.
    private func act(_ action: StepAction, replica: Int, in world: World) -> [World] {
        var acted = world
        acted.phases[replica] = .set(action, succeeded: true)
        switch action {
        case .perform:
            var declined = world
            declined.phases[replica] = .set(action, succeeded: false)
            if world.end.isVoided { return [declined] }
            acted.end.isCharged = true
            return world.end.isCharged ? [acted] : [acted, declined]
        case .undo, .takeBack, .giveUp:
            acted.end.isCharged = false
            acted.end.isVoided = true
            if action == .takeBack { acted.phases[replica] = .over }
        case .refuseForever, .finish, .answerAgain, .sayNotNeeded, .notYet, .ignore,
            .contradiction, .ask, .noteCalledOff, .waitForAPerson, .declareDone, .declareUndone:
            break
        }
        return [acted]
    }

    private func compareAndSet(
        _ action: StepAction, succeeded: Bool, replica: Int, in world: inout World
    ) {
        let (expected, next): (StepState, StepState) =
            switch action {
            case .perform: (.absent, succeeded ? .done : .failed)
            case .undo(let state): (state, .compensated)
            case .giveUp: (.unknown, .failed)
            case .refuseForever: (.absent, .tombstone)
            default: (.done, .finished)
            }
        guard world.end.ledger == expected else {
            world.phases[replica] = phase(
                for: StepMachine.actionAfterRefusal(
                    of: roles[replica], mayHaveActed: succeeded, by: world.end.ledger))
            return
        }
        world.end.ledger = next
        if next == .done { world.end.successes += 1 } else { world.end.answers += 1 }
        world.phases[replica] = .over
    }
}
