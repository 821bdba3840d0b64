/// Where one step of one saga stands, as its ledger says.
package enum StepState: String, Hashable, Sendable, CaseIterable {
    /// It never ran. `done`, `failed` or `tombstone` may follow.
    case absent = ""
    /// It succeeded. `compensated` or `finished` may follow.
    case done
    /// It failed, and left nothing behind. Final.
    case failed
    /// It was undone. Final.
    case compensated
    /// Its compensation came first; it must not run any more. Final.
    case tombstone
    /// Its saga passed the pivot and it was completed. Final.
    case finished
}

/// What an event means to a step.
package enum StepRole: Hashable, Sendable { case forward, compensate, finish }

/// What is to be done with an event.
package enum StepAction: Hashable, Sendable {
    /// Run the step; then go from `absent` to `done` or `failed`.
    case perform
    /// Run the undo; then go from `done` to `compensated`.
    case undo
    /// Nothing ran: go from `absent` to `tombstone`, and answer.
    case refuseForever
    /// Run the finish; then go from `done` to `finished`.
    case finish
    /// What ran outside may not stand: run the undo, and keep nothing of what it returns.
    case takeBack
    /// It was dealt with before.
    case ignore
    /// The ledger and the event contradict one another; a person has to look.
    case contradiction
}

/// Decides what an event does to a step; pure, so that every order of events can be explored.
///
///                 perform ok            undo
///       absent ───────────────▶ done ─────────▶ compensated
///         │ │                     │
///         │ └─ perform fails ─▶ failed
///         │                       └─ finish ──▶ finished
///         └─ compensation first ─▶ tombstone
///
/// Most events are decided on an assumption, without reading the ledger: the transition
/// compares and sets, and when the assumption was wrong its answer holds the true state, on
/// which the machine decides again.
package enum StepMachine {
    /// The state to act upon without a look at the ledger; nil if the ledger has to be read.
    ///
    /// What was delivered before has probably been dealt with before, and a compensation has
    /// to know whether there is something to undo outside.
    package static func assumed(_ role: StepRole, deliveredBefore: Bool) -> StepState? {
        if deliveredBefore { return nil }
        return switch role {
        case .forward: .absent
        case .compensate: nil
        case .finish: .done
        }
    }

    /// What to do with an event when the step stands in `state`.
    ///
    /// A forward event that was delivered before may have acted outside and crashed before its
    /// transition. If its compensation came meanwhile, that knew of nothing to undo.
    package static func action(
        _ role: StepRole, in state: StepState, deliveredBefore: Bool = false
    ) -> StepAction {
        switch (role, state) {
        case (.forward, .absent): .perform
        case (.forward, .tombstone) where deliveredBefore: .takeBack
        case (.forward, _): .ignore
        case (.compensate, .done): .undo
        case (.compensate, .absent): .refuseForever
        case (.compensate, .failed), (.compensate, .compensated), (.compensate, .tombstone):
            .ignore
        case (.compensate, .finished): .contradiction
        case (.finish, .done): .finish
        case (.finish, .finished): .ignore
        case (.finish, _): .contradiction
        }
    }

    /// What to do after a transition was refused because the ledger held `state` instead.
    ///
    /// - Parameter succeeded: for a forward step, whether it had succeeded outside.
    package static func actionAfterRefusal(
        of role: StepRole, succeeded: Bool, by state: StepState
    ) -> StepAction {
        guard role == .forward else { return action(role, in: state) }
        switch state {
        case .failed, .compensated, .tombstone: return succeeded ? .takeBack : .ignore
        case .absent, .done, .finished: return .ignore
        }
    }
}
