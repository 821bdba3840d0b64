import Saga

// What can happen next in a world: somebody asks for cancellation, an event is lost, or delivered.

extension RouteExploration {
    func successors(of world: World) -> [World] {
        var successors: [World] = []
        let mayAsk =
            world.order.status == .pending || world.order.status == .cancelling && asks
        if mayAsk, let request = lifecycle.requests.first {
            var next = world
            hear(.timeIsUp(awaiting: request.awaiting), in: &next)
            successors.append(next)
        }
        for type in world.published {
            for plan in plans {
                let roles = roles(of: type, for: plan)
                if roles.isEmpty || world.lost == [type, plan.name] { continue }
                if world.canLose, world.order.status != .completed,
                    !world.delivered.contains([type, plan.name])
                {
                    var next = world
                    next.lost = [type, plan.name]
                    next.canLose = false
                    successors.append(next)
                }
                successors += deliver(type, as: roles, to: plan, in: world)
            }
        }
        return successors
    }

    /// One delivery, which is over once all that the event means is dealt with, in its order; and
    /// those that come to no end, as the process dies in between.
    private func deliver(
        _ type: String, as roles: [ParticipantPlan.Role], to plan: ParticipantPlan,
        in world: World
    ) -> [World] {
        let delivery = [type, plan.name]
        var ended: [World] = []
        var going = [world]
        for (index, role) in roles.enumerated() {
            let reached = going.flatMap { deliver(type, as: role, to: plan.name, in: $0) }
            guard index < roles.count - 1 else { return ended + reached }
            for next in reached where !world.delivered.contains(delivery) {
                var dead = next
                dead.delivered.remove(delivery)
                ended.append(dead)
            }
            going = reached.filter { $0.delivered.contains(delivery) }
        }
        return ended
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
            return [next]
        case .inPlace where without == .othersGoOnWithoutIt:
            return [next]
        case .inPlace(let replaced, let role):
            return deliver(type, as: role, to: name, in: world, inPlaceOf: replaced)
        case .join(let join, let target):
            return self.join(type, replaced ?? type, join, target, at: name, in: next)
        case .start(let step):
            return Course.allCases.compactMap { start(step, $0, type, at: name, in: next) }
        case .compensate(let step, _):
            if without == .lastLegIsUndone, isLast(step) { return [next] }
            return [perform(.compensate, step, at: name, in: next)]
        case .finish(let step, _):
            return [perform(.finish, step, at: name, in: next)]
        }
    }

    /// Whether the pivot waits for a step.
    private func isLast(_ step: Step) -> Bool {
        lifecycle.completions.contains { completion in
            completion.triggers.contains { $0.type == step.success.type }
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
            next.expect(
                JoinState(LedgerEntry(entry.text)) == state, orElse: "a ledger reads \(state) back")
            next.joins[[name, join.field]] = state
            return [next]
        case .open(let payloads, _):
            next.expect(
                payloads == join.awaited.map { Array($0.utf8) },
                orElse: "\(join.field) opens with \(payloads.count) of \(join.awaited)")
            let role: ParticipantPlan.Role =
                switch target {
                case .start(let step): .start(step)
                case .pivot(let completion): .pivot(completion)
                }
            return deliver(type, as: role, to: name, in: next)
        }
    }

    private func hear(_ input: LifecycleInput, in world: inout World) {
        guard let action = LifecycleMachine.action(input, in: world.order) else { return }
        world.expect(
            LifecycleState(text: action.next.text) == action.next,
            orElse: "a ledger does not read \(action.next.text) back")
        world.order = action.next
        world.order.asked = 0
        if action.next.status == .completed || action.next.status == .cancelled {
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
}
