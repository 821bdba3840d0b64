import CloudEvents
import Logging

/// A step that its saga does not need: it does nothing, and whoever waits for it goes on.
///
///     its event ─▶ absent ──▶ skipped, and the event that says so
///                    │ a version that needed it may have acted
///                    ▼
///                  unknown ─▶ undone ─▶ skipped
///     to be undone ────────▶ tombstone, and the answer: nothing was to undo
///     to be finished ──────▶ says once more that it was not needed
///                                │ its condition is gone
///                                ▼
///                              owed, until a version has it again
extension EntryWork {
    /// What a forward event does to a step that is not needed.
    func actNotNeeded(
        _ action: StepAction, _ step: Step, _ entry: LedgerEntry?, _ perform: @escaping Step.Bound,
        _ mayHaveActed: Bool
    ) async throws(Interruption) -> Acted {
        switch action {
        case .perform: try await skip(step, from: .absent, mayHaveActed: mayHaveActed)
        case .giveUp: try await skip(step, from: .unknown, mayHaveActed: true)
        case .undo, .refuseForever, .finish, .takeBack, .answerAgain, .sayNotNeeded, .notYet,
            .ignore, .contradiction, .ask, .noteCalledOff, .waitForAPerson, .declareDone,
            .declareUndone:
            try await act(action, step, entry, nil, perform)
        }
    }

    private func skip(
        _ step: Step, from state: StepState, mayHaveActed: Bool
    ) async throws(Interruption) -> Acted {
        guard let condition = step.condition else { return .over(outcome: "ignored") }
        if mayHaveActed, step.actsOutside {
            // Who undoes says so first: whoever acted may be about to write that it is done.
            if state == .absent { return try await noteUnknown(step, .notNeeded, from: .absent) }
            try await takeBack(step)
        }
        let said = try said(condition)
        switch try await apply(
            transition(said, step, from: state, to: .skipped, note: condition.name))
        {
        case .applied: return .over(outcome: "skipped")
        case .refused(let entry): return .refused(entry, mayHaveActed: false)
        case .rejected(let failure):
            throw .dead(.contradiction, "what is not needed is rejected: \(failure)", attempts: 1)
        }
    }

    /// Says again that a step was not needed, by the same ID, as it is the same event: the owner
    /// waits for it to finish.
    ///
    /// What its route does not know any more is owed, as the owner asks again and again for what is
    /// neither answered nor owed.
    func sayNotNeeded(_ step: Step, _ entry: LedgerEntry?) async throws(Interruption) {
        guard let condition = step.condition else {
            throw .blocked(
                step: step.name,
                "it was not needed (\(entry?.note ?? "")), and is always needed now: only a "
                    + "version with that condition can say so")
        }
        if step.finishes.contains(where: { $0.emits != nil }) {
            _ = try await apply(
                environment.transitions.transition(
                    try said(condition), origin: origin, id: entry?.eventID))
        }
        guard environment.plan.hearsEnds, environment.plan.lifecycle == nil else { return }
        try await note(.completed)
    }

    private func said(_ condition: RouteCondition) throws(Interruption) -> PlannedTransition {
        do {
            return try condition.say()
        } catch {
            throw .dead(.contradiction, String(reflecting: error), attempts: 1)
        }
    }
}
