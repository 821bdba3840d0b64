import Saga
import Testing

/// Every order in which the order saga's events can be delivered, on the real machines.
///
/// Each published event reaches each consumer at least once, in any order and again at any
/// later time; each step succeeds, fails, or acts and then dies, fails after all, gives up or
/// becomes a dead letter; cancellation may be asked for at any moment; and one delivery may be
/// lost for good, while a saga is not past its pivot. Each rule that the machines keep is also left
/// out, which has to show.
@Suite(.timeLimit(.minutes(2)))
struct ChoreographyExplorationTests {
    @Test func everyOrderOfDeliveriesEndsWell() throws {
        let explored = try Exploration(saga: OrderSaga.all).run()

        #expect(explored.violation == nil)
        #expect(explored.states > 500)
    }

    @Test(arguments: Exploration.Rule.allCases.filter { !Exploration.Rule.ofSkipping.contains($0) })
    func everyRuleIsNeeded(_ rule: Exploration.Rule) throws {
        let explored = try Exploration(saga: OrderSaga.all, without: rule).run()

        #expect(explored.violation != nil, "nothing breaks without \(rule)")
    }
}

struct Exploration {
    enum Rule: String, CaseIterable {
        case tombstone, failureIsAnAnswer, earlyAnswersCount, cancellingNeverCompletes, ledger
        case shippingIsUndone, takeBack, failureAfterUnknownUndoes, letterLeavesATrace
        case somebodyAsksAgain, whoIsAskedAgainAnswers
        case skippedAnswers, skippedIsUndoneFirst, skippedIsTakenBack, othersGoOnWithoutIt
    }

    struct Result: Sendable {
        var states: Int
        var violation: String?
    }

    private struct Part: Hashable {
        var ledger = StepState.absent
        /// Whether a try was made whose end nobody knows.
        var isTried = false
        var done = 0
        var undone = 0
        var finished = 0

        var stands: Bool { done > undone }

        /// The company knows its key: what stands is not done again.
        mutating func act() { if !stands { done += 1 } }

        /// What does not stand is not undone.
        mutating func undo() { if stands { undone += 1 } }
    }

    private enum Event: CaseIterable {
        case succeeds, fails, dies, givesUp, becomesALetter, isNotNeeded
    }

    private struct World: Hashable {
        var order: LifecycleState
        var parts: [String: Part]
        var published: Set<String>
        var joins: [[String]: JoinState] = [:]
        var delivered: Set<[String]> = []
        /// A delivery that never comes, unless the event is published anew.
        var lost: [String]?
        var canLose = true

        /// An event that was published before goes out once more.
        mutating func publish(_ type: String) {
            published.insert(type)
            if lost?.first == type { lost = nil }
        }
    }

    let plans: [ParticipantPlan]
    let lifecycle: Lifecycle
    let begins: String
    let without: Rule?
    /// Who has something to finish after the pivot.
    let finishing: Set<String>
    /// Whose step is not needed in this saga.
    let skipping: Set<String>
    /// Whether others run the same steps, of a version that has no conditions.
    let hasOldVersions: Bool

    init(
        saga: [Participant], skipping: Set<String> = [], hasOldVersions: Bool = false,
        without rule: Rule? = nil
    ) throws {
        self.skipping = skipping
        self.hasOldVersions = hasOldVersions
        plans = try saga.map { try ParticipantPlan($0) }
        lifecycle = try #require(plans.compactMap(\.lifecycle).first)
        begins = lifecycle.begins.type
        without = rule
        finishing = Set(
            plans.filter { $0.steps.contains { !$0.finishes.isEmpty } }.map(\.name))
    }

    /// Asking again heals also what breaks without these.
    private var asks: Bool {
        ![.somebodyAsksAgain, .earlyAnswersCount, .failureIsAnAnswer].contains(without)
    }

    /// What breaks without a loss need not be looked for among losses.
    private var loses: Bool {
        [nil, .somebodyAsksAgain, .whoIsAskedAgainAnswers].contains(without) && !hasOldVersions
    }

    func run() -> Result {
        let names = plans.filter { $0.lifecycle == nil }.map(\.name)
        let start = World(
            order: .pending, parts: Dictionary(uniqueKeysWithValues: names.map { ($0, Part()) }),
            published: [begins], canLose: loses)
        var seen: Set<World> = [start]
        var waiting = [start]
        var before: [World: [World]] = [:]
        while let world = waiting.popLast() {
            if let violation = violation(in: world) {
                return Result(states: seen.count, violation: violation)
            }
            for next in successors(of: world) {
                before[next, default: []].append(world)
                if seen.insert(next).inserted { waiting.append(next) }
            }
        }
        return Result(states: seen.count, violation: stuck(seen, before))
    }

    /// Every state has to have a way to an end.
    private func stuck(_ seen: Set<World>, _ before: [World: [World]]) -> String? {
        var reaching = seen.filter {
            $0.order.status == .completed || $0.order.status == .cancelled
        }
        var waiting = Array(reaching)
        while let world = waiting.popLast() {
            for earlier in before[world] ?? [] where reaching.insert(earlier).inserted {
                waiting.append(earlier)
            }
        }
        return seen.first { !reaching.contains($0) }.map { "no way to an end from \($0)" }
    }

    // MARK: - What can happen next

    private func successors(of world: World) -> [World] {
        var successors: [World] = []
        if world.order.status == .pending, let request = lifecycle.requests.first {
            var next = world
            hear(.timeIsUp(awaiting: request.awaiting), in: &next)
            successors.append(next)
        }
        if world.order.status == .cancelling, let request = lifecycle.requests.first,
            asks
        {
            var next = world
            hear(.timeIsUp(awaiting: request.awaiting), in: &next)
            successors.append(next)
        }
        for type in world.published {
            for plan in plans {
                guard let consumed = plan.consumed[type], Self.matters(consumed) else { continue }
                if world.lost == [type, plan.name] { continue }
                if world.canLose, world.order.status != .completed,
                    !world.delivered.contains([type, plan.name])
                {
                    var next = world
                    next.lost = [type, plan.name]
                    next.canLose = false
                    successors.append(next)
                }
                for role in consumed.roles {
                    successors += deliver(type, as: role, to: plan.name, in: world)
                }
            }
        }
        return successors
    }

    /// - Parameter replaced: the type of the event in whose place it comes.
    private func deliver(
        _ type: String, as role: ParticipantPlan.Role, to name: String, in world: World,
        inPlaceOf replaced: String? = nil
    ) -> [World] {
        var next = world
        next.delivered.insert([type, name])
        switch role {
        case .pivot:
            if without == .cancellingNeverCompletes, next.order.status == .cancelling {
                next.order.status = .pending
            }
            hear(.pivot, in: &next)
            return [next]
        case .heard(var answer, let cancellation):
            if without == .failureIsAnAnswer, cancellation != nil { answer = nil }
            if without == .earlyAnswersCount, next.order.status == .pending { answer = nil }
            hear(.heard(answer: answer, awaiting: cancellation?.awaiting), in: &next)
            return [next]
        case .deadline, .unclaimed, .inquiry, .end, .again:
            return []
        case .inPlace where without == .othersGoOnWithoutIt:
            return [next]
        case .inPlace(let replaced, let role):
            return deliver(type, as: role, to: name, in: world, inPlaceOf: replaced)
        case .join(let join, let target):
            return self.join(type, replaced ?? type, join, target, at: name, in: next)
        case .start(let step):
            return Event.allCases.compactMap { start(step, $0, type, part: name, in: next) }
        case .compensate(let step, _):
            if without == .shippingIsUndone, name == "shipping" { return [next] }
            return [perform(.compensate, step, part: name, in: next)]
                .compactMap { $0 }
        case .finish(let step, _):
            return [perform(.finish, step, part: name, in: next)]
                .compactMap { $0 }
        }
    }

    /// One event of several that are waited for together; each carries its name.
    private func join(
        _ type: String, _ arrived: String, _ join: ParticipantPlan.Join,
        _ target: ParticipantPlan.JoinTarget, at name: String, in world: World
    ) -> [World] {
        let held = world.joins[[name, join.field]] ?? .nothing
        let arrival = JoinState.Arrival(type: arrived, payload: Array(arrived.utf8))
        var next = world
        switch JoinMachine.action(arrival, in: held, of: join.awaited) {
        case .wait: return [world]
        case .keep(let state):
            let entry = LedgerEntry(state: state.word, eventID: "e", note: state.note)
            #expect(JoinState(LedgerEntry(entry.text)) == state)
            next.joins[[name, join.field]] = state
            return [next]
        case .open(let payloads, _):
            #expect(payloads == join.awaited.map { Array($0.utf8) })
            let role: ParticipantPlan.Role =
                switch target {
                case .start(let step): .start(step)
                case .pivot(let completion): .pivot(completion)
                }
            return deliver(type, as: role, to: name, in: world)
        }
    }

    private func hear(_ input: LifecycleInput, in world: inout World) {
        guard let action = LifecycleMachine.action(input, in: world.order) else { return }
        #expect(LifecycleState(text: action.next.text) == action.next)
        world.order = action.next
        world.order.asked = 0
        if action.next.status.rawValue.hasPrefix("c"), action.next.status != .cancelling {
            world.order = LifecycleState(status: action.next.status)
        }
        for effect in action.effects {
            switch effect {
            case .begin, .startCancelling, .announceCancelling, .waitAgain, .announceMissing: break
            case .complete: world.published.insert(lifecycle.completions[0].emits.type)
            case .announceRequest: world.publish(lifecycle.requests[0].emits.type)
            case .cancel: world.published.insert(lifecycle.cancelled?.emits.type ?? "")
            }
        }
    }

    /// Nil beyond what is worth following once a rule is left out, and for what cannot happen.
    private func start(
        _ step: Step, _ event: Event, _ type: String, part name: String, in world: World
    ) -> World? {
        var world = world
        guard var part = world.parts[name] else { return nil }
        if !mayHappen(event, name) { return nil }
        if event == .isNotNeeded { return skip(step, part: name, in: world) }
        let known = without == .ledger && part.ledger == .done ? .absent : part.ledger
        let action = StepMachine.action(.forward, in: known, actsOutside: step.actsOutside)
        guard action == .perform else {
            if part.ledger == .skipped, event == .dies, step.actsOutside, !part.isTried {
                // It looked before the other one skipped the step.
                part.act()
                part.isTried = true
                world.delivered.remove([type, name])
                world.parts[name] = part
                return world
            }
            guard event == .succeeds else { return nil }
            return settled(action, step, part: name, in: world)
        }
        if without == .ledger, known != part.ledger { part.done += 1 }
        let hides = without == .failureAfterUnknownUndoes
        let ending: StepEnding
        switch event {
        case .succeeds:
            part.act()
            ending = .succeeded
        case .fails:
            ending = .refused(afterUnknown: part.isTried && !hides)
        case .dies:
            guard step.actsOutside, !part.isTried else { return nil }
            part.act()
            part.isTried = true
            world.delivered.remove([type, name])
            world.parts[name] = part
            return world
        case .isNotNeeded: return nil
        case .givesUp, .becomesALetter:
            guard step.actsOutside else { return nil }
            part.act()
            part.isTried = true
            ending = event == .givesUp ? .gaveUp(afterUnknown: true) : .died
        }
        let traceless = event == .becomesALetter && without == .letterLeavesATrace
        part.ledger =
            traceless
            ? .absent : StepMachine.next(after: ending, actsOutside: step.actsOutside)
        world.parts[name] = part
        switch part.ledger {
        case .done: world.published.insert(step.success.type)
        case .failed: world.published.insert(step.failure.type)
        case .unknown where event != .becomesALetter:
            return settled(.giveUp, step, part: name, in: world)
        default: break
        }
        return part.done <= 2 ? world : nil
    }

    private func mayHappen(_ event: Event, _ name: String) -> Bool {
        guard skipping.contains(name) else { return event != .isNotNeeded }
        return event == .isNotNeeded || hasOldVersions
    }

    /// A forward event of a step that this saga does not need.
    private func skip(_ step: Step, part name: String, in world: World) -> World? {
        var world = world
        guard let part = world.parts[name], let condition = step.condition else { return nil }
        let action = StepMachine.action(.forward, in: part.ledger, actsOutside: step.actsOutside)
        switch action {
        case .perform where without == .skippedIsUndoneFirst: break
        case .perform, .giveUp: if part.isTried { world.parts[name]?.undo() }
        default: return settled(action, step, part: name, in: world)
        }
        world.parts[name]?.ledger = .skipped
        world.publish(condition.skipped.type)
        return world
    }

    /// A forward event whose step was decided already.
    private func settled(
        _ action: StepAction, _ step: Step, part name: String, in world: World
    ) -> World? {
        var world = world
        switch action {
        case .giveUp:
            world.parts[name]?.undo()
            world.parts[name]?.ledger = .failed
            world.published.insert(step.failure.type)
        case .takeBack
        where without == .skippedIsTakenBack && world.parts[name]?.ledger == .skipped:
            break
        case .takeBack where without != .takeBack:
            world.parts[name]?.undo()
        default: break
        }
        return world
    }

    private func perform(
        _ role: StepRole, _ step: Step, part name: String, in world: World
    ) -> World? {
        var world = world
        guard var part = world.parts[name] else { return world }
        switch StepMachine.action(role, in: part.ledger, actsOutside: step.actsOutside) {
        case .refuseForever(from: .skipped) where without == .skippedAnswers: break
        case .sayNotNeeded:
            world.publish(step.condition?.skipped.type ?? "")
        case .undo:
            part.ledger = .compensated
            part.undo()
            world.published.insert(step.compensations[0].answer.type)
        case .refuseForever:
            if without != .tombstone { part.ledger = .tombstone }
            world.published.insert(step.compensations[0].answer.type)
        case .finish:
            part.ledger = .finished
            part.finished += 1
            if let emits = step.finishes[0].emits { world.published.insert(emits.type) }
        case .answerAgain:
            guard without != .whoIsAskedAgainAnswers else { break }
            world.publish(
                part.ledger == .failed ? step.failure.type : step.compensations[0].answer.type)
        case .contradiction:
            if without == nil { Issue.record("\(name) finds \(role) contradicting \(part.ledger)") }
        case .notYet:
            if without == nil { Issue.record("\(name) is to finish what is \(part.ledger)") }
        case .perform, .giveUp, .takeBack, .ignore, .ask, .noteCalledOff, .waitForAPerson,
            .declareDone, .declareUndone:
            break
        }
        world.parts[name] = part
        return world
    }

    // MARK: - What must hold

    /// Who only hears of the end does nothing about it.
    private static func matters(_ consumed: ParticipantPlan.Consumed) -> Bool {
        consumed.roles.contains { role in
            if case .end = role { false } else { true }
        }
    }

    private func violation(in world: World) -> String? {
        for (name, part) in world.parts
        where part.done > 1 || part.undone > part.done || part.finished > 1 {
            return "\(name): \(part)"
        }
        let isQuiet = world.published.allSatisfy { type in
            plans.allSatisfy {
                !($0.consumed[type].map(Self.matters) ?? false)
                    || world.delivered.contains([type, $0.name])
                    || world.lost == [type, $0.name]
            }
        }
        guard isQuiet else { return nil }
        switch world.order.status {
        case .completed:
            for (name, part) in world.parts
            where part.ledger == .skipped
                && (part.stands || part.finished != 0)
            {
                return "completed, but \(name), which is not needed: \(part)"
            }
            for (name, part) in world.parts
            where part.ledger != .skipped
                && (part.done != 1 || part.undone != 0
                    || (part.finished == 1) != finishing.contains(name))
            {
                return "completed, but \(name): \(part)"
            }
        case .cancelled:
            for (name, part) in world.parts where part.done != part.undone {
                // The very entry that acted is lost: only the company's books can tell.
                if world.lost?.last == name, part.isTried { continue }
                return "cancelled, but \(name): \(part)"
            }
        case .pending
        where world.lost != nil || world.parts.values.contains { $0.ledger == .unknown },
            .cancelling where asks:
            // The deadline will come, or everybody is asked again.
            break
        default:
            return "nothing is left to do, yet the order is \(world.order.text)"
        }
        return nil
    }
}
