import Saga

extension RouteExploration {
    /// How one leg stands: what its ledger says, and what the company it called knows.
    struct Part: Hashable {
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

    /// What may become of an event that starts a step.
    enum Course: CaseIterable {
        case succeeds, fails, dies, givesUp, becomesALetter, isNotNeeded
    }

    /// All that is so at one moment.
    struct World: Hashable {
        var order: LifecycleState
        /// By the names of their legs.
        var parts: [String: Part]
        var published: Set<String>
        var joins: [[String]: JoinState] = [:]
        var delivered: Set<[String]> = []
        /// A delivery that never comes, unless the event is published anew.
        var lost: [String]?
        var canLose = true
        /// What the rules themselves find wrong.
        var fault: String?

        /// An event that was published before goes out once more.
        mutating func publish(_ type: String) {
            published.insert(type)
            if lost?.first == type { lost = nil }
        }

        /// Notes what must not be.
        mutating func expect(_ isSo: Bool, orElse fault: @autoclosure () -> String) {
            if !isSo, self.fault == nil { self.fault = fault() }
        }
    }

    /// Who only hears of the end does nothing about it; and nobody asks about what no ledger knows.
    static func matters(_ role: ParticipantPlan.Role) -> Bool {
        switch role {
        case .end, .unclaimed, .inquiry, .deadline, .again: false
        case .start, .compensate, .finish, .pivot, .join, .inPlace, .heard: true
        }
    }

    /// What an event means to a participant, as far as it matters.
    func roles(of type: String, for plan: ParticipantPlan) -> [ParticipantPlan.Role] {
        (plan.consumed[type]?.roles ?? []).filter(Self.matters)
    }

    // MARK: - What must hold

    func violation(in world: World) -> String? {
        if let fault = world.fault { return fault }
        for (name, part) in world.parts
        where part.done > 1 || part.undone > part.done || part.finished > 1 {
            return "\(name): \(part)"
        }
        let isQuiet = world.published.allSatisfy { type in
            plans.allSatisfy {
                roles(of: type, for: $0).isEmpty || world.delivered.contains([type, $0.name])
                    || world.lost == [type, $0.name]
            }
        }
        guard isQuiet else { return nil }
        switch world.order.status {
        case .completed: return world.parts.compactMap { lack($0.key, $0.value) }.first
        case .cancelled:
            return world.parts.compactMap { leftOver($0.key, $0.value, in: world) }.first
        case .pending
        where world.lost != nil || world.parts.values.contains { $0.ledger == .unknown },
            .cancelling where asks:
            // The deadline will come, or everybody is asked again.
            return nil
        default: return "nothing is left to do, yet the order is \(world.order.text)"
        }
    }

    /// What a leg of a completed saga lacks.
    private func lack(_ leg: String, _ part: Part) -> String? {
        if part.ledger == .skipped {
            guard part.stands || part.finished != 0 else { return nil }
            return "completed, but \(leg), which is not needed: \(part)"
        }
        let isWhole =
            part.done == 1 && part.undone == 0
            && (part.finished == 1) == finishing.contains(leg)
        return isWhole ? nil : "completed, but \(leg): \(part)"
    }

    /// What is left of a leg of a cancelled saga.
    private func leftOver(_ leg: String, _ part: Part, in world: World) -> String? {
        guard part.done != part.undone else { return nil }
        // The very entry that acted is lost: only the company's books can tell.
        let mayBeLost = world.lost.map { leg.hasPrefix($0[1] + "/") } ?? false
        return mayBeLost && part.isTried ? nil : "cancelled, but \(leg): \(part)"
    }
}
