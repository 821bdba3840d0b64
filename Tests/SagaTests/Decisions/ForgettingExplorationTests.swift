import Saga
import Testing

/// What is concluded from a ledger that is not there: one saga, its owner, a step, the books of
/// the company that it called, and goods that leave once the saga is completed.
///
///     young ─a month goes by─▶ old: ledgers of what has ended go, companies forget their keys
///     all data is lost       ─▶ the store's data is younger than the saga
///     its last moment is     ─▶ ledgers are gone, and nothing tells
///
/// First events come again, books are compared with ledgers, at any moment. Nothing that has left
/// is refunded, nothing is charged twice, and what stands of no completed saga does not stand for
/// ever unless a person is shown it.
@Suite(.timeLimit(.minutes(2)))
struct ForgettingExplorationTests {
    @Test func nothingIsConcludedThatIsNotSo() {
        let explored = ForgottenSaga().explore()

        #expect(explored.violation == nil)
        #expect(explored.states > 150)
    }

    @Test(
        .enabled(if: PlantedFault.canBePlanted),
        arguments: [PlantedFault.horizonIgnored, .birthIgnored, .undoneUnasked])
    func everyRuleIsNeeded(_ fault: PlantedFault) {
        let explored = PlantedFault.plant(fault) { ForgottenSaga().explore() }

        #expect(explored.violation != nil, "nothing breaks with \(fault)")
    }
}

/// The deciders are the engine's; what is written here is the world around them.
private struct ForgottenSaga {
    private enum Event: CaseIterable {
        /// It starts the step, or completes the saga.
        case begun, charged
        /// It asks to undo.
        case request
        /// It asks the owner about what stands and no ledger knows.
        case unclaimed
    }

    private struct World: Hashable {
        var owner = LifecycleState.pending
        var step = StepState.absent
        var stands = false
        var wasUndone = false
        var charges = 0
        var isShipped = false
        var isOld = false
        var isDataYounger = false
        /// Whether a person was shown something.
        var isShown = false
        var events: Set<Event> = [.begun]
        var canLose = true
        var canReplay = true

        /// Whether a ledger of the saga would have to be there.
        var isCovered: Bool {
            let day: Int64 = 86_400_000
            return Horizon(
                born: isDataYounger ? 2 * day : 0, now: isOld ? 60 * day : 2 * day,
                life: .seconds(30 * 86_400)
            ).covers(made: day)
        }

        /// The company knows a key until it is old; one that was undone it refuses.
        mutating func charge() -> Bool {
            if charges > 0, !isOld { return stands }
            stands = true
            charges += 1
            return true
        }

        mutating func undo() {
            if stands { wasUndone = true }
            stands = false
        }
    }

    func explore() -> (states: Int, violation: String?) {
        var seen: Set<World> = [World()]
        var waiting = Array(seen)
        while let world = waiting.popLast() {
            if let violation = violation(in: world) { return (seen.count, violation) }
            let reached = successors(of: world).filter { $0 != world }
            let isLeft = world.stands && !world.isShipped && !world.isShown
            if reached.isEmpty, isLeft, world.owner.status != .completed {
                return (seen.count, "it stands, and nobody is told: \(world)")
            }
            for next in reached where seen.insert(next).inserted { waiting.append(next) }
        }
        return (seen.count, nil)
    }

    private func violation(in world: World) -> String? {
        if world.isShipped, !world.stands { return "shipped, and the money went back: \(world)" }
        return world.charges > 1 ? "charged twice: \(world)" : nil
    }

    private func successors(of world: World) -> [World] {
        var successors = accidents(world) + reconciliation(world) + inquiry(world)
        for event in world.events {
            var next = world
            next.events.remove(event)
            switch event {
            case .begun: successors += begun(next)
            case .charged: successors.append(charged(next))
            case .request: successors.append(asked(next))
            case .unclaimed: successors.append(unclaimed(next))
            }
        }
        if world.owner.status == .pending {
            var next = world
            hear(.timeIsUp(awaiting: []), in: &next)
            successors.append(next)
        }
        return successors
    }

    // MARK: - What happens to the store, and to all that is old

    private func accidents(_ world: World) -> [World] {
        var successors: [World] = []
        func add(_ change: (inout World) -> Void) {
            var next = world
            change(&next)
            successors.append(next)
        }
        let hasEnded = world.owner.status == .completed || world.owner.status == .cancelled
        if hasEnded, !world.isOld, world.events.isEmpty { add { $0.isOld = true } }
        if world.isOld, hasEnded { add { $0.owner = .absent } }
        if world.isOld, hasEnded || world.owner == .absent { add { $0.step = .absent } }
        if world.canReplay {
            add { next in
                next.events.insert(.begun)
                next.canReplay = false
            }
            if world.charges > 0, world.isOld || [.done, .compensated].contains(world.step) {
                add { next in
                    next.events.insert(.charged)
                    next.canReplay = false
                }
            }
        }
        guard world.canLose else { return successors }
        let forget = { (next: inout World) in
            next.owner = .absent
            next.step = .absent
            next.events = []
            next.canLose = false
        }
        // Goods that have left do not come back: then nobody replays what the store forgot.
        if !world.isOld {
            add { next in
                forget(&next)
                if next.isShipped { next.canReplay = false }
            }
        }
        add { next in
            forget(&next)
            next.isDataYounger = true
        }
        return successors
    }

    // MARK: - The step

    private func begun(_ world: World) -> [World] {
        var next = world
        switch StepMachine.action(.forward, in: world.step) {
        case .perform where !world.isCovered:
            next.isShown = true
            return [next]
        case .perform:
            guard next.charge() else {
                next.step = .failed
                return [next]
            }
            var dead = next
            dead.events.insert(.begun)
            next.step = .done
            next.events.insert(.charged)
            return [next, dead]
        case .takeBack:
            next.undo()
            return [next]
        default: return [next]
        }
    }

    private func asked(_ world: World) -> World {
        var next = world
        switch StepMachine.action(.compensate, in: world.step) {
        case .undo:
            next.undo()
            next.step = .compensated
        case .refuseForever: next.step = .tombstone
        default: break
        }
        return next
    }

    // MARK: - The owner

    private func hear(_ input: LifecycleInput, in world: inout World) {
        guard let action = LifecycleMachine.action(input, in: world.owner) else { return }
        world.owner = action.next
        if action.effects.contains(.announceRequest) { world.events.insert(.request) }
        if action.effects.contains(.complete) { world.isShipped = true }
    }

    private func charged(_ world: World) -> World {
        var next = world
        hear(.pivot, in: &next)
        guard next == world, world.owner == .absent else { return next }
        if world.isCovered { hear(.unknownSaga, in: &next) } else { next.isShown = true }
        return next
    }

    private func unclaimed(_ world: World) -> World {
        var next = world
        hear(.unclaimed, in: &next)
        guard next == world, world.owner.status == .absent || world.owner.status == .missing
        else { return next }
        if world.owner.status == .absent, !world.isCovered {
            next.isShown = true
        } else {
            hear(.missing(awaiting: ["payment", "shipping"]), in: &next)
        }
        return next
    }

    /// Who has books is asked about a saga that its owner does not know.
    private func inquiry(_ world: World) -> [World] {
        guard world.owner.status == .missing else { return [] }
        return ["payment", "shipping"].map { name in
            let isFinal = name == "shipping" && world.isShipped
            var next = world
            hear(isFinal ? .finalUnknown : .nothingFinal(of: name), in: &next)
            return next
        }
    }

    // MARK: - The books

    private func reconciliation(_ world: World) -> [World] {
        guard world.stands else { return [] }
        var next = world
        switch ReconciliationMachine.verdict(
            on: .standing, in: world.step, isCovered: world.isCovered)
        {
        case .undo: next.undo()
        case .ask: next.events.insert(.unclaimed)
        case .show: next.isShown = true
        case .nothing, .doubt, .tell: return []
        }
        return [next]
    }
}
