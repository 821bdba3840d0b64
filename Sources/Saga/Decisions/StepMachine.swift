/// Where one step of one saga stands, as its ledger says.
package enum StepState: String, Hashable, Sendable, CaseIterable {
    /// It never ran. `done`, `failed`, `unknown`, `skipped` or `tombstone` may follow.
    case absent = ""
    /// It succeeded. `compensated` or `finished` may follow.
    case done
    /// It failed, and left nothing behind. Final.
    case failed
    /// It was not needed, and did nothing. `tombstone` may follow.
    case skipped
    /// It may have acted outside; nobody knows. `failed`, `compensated` or `skipped` may follow.
    case unknown
    /// It was undone. Final.
    case compensated
    /// Its compensation found nothing to undo; it must not run any more. Final.
    case tombstone
    /// Its saga passed the pivot and it was completed. Final.
    case finished

    /// Whether nothing of the step is left to be done, or undone.
    package var isFinal: Bool {
        switch self {
        case .absent, .done, .skipped, .unknown: false
        case .failed, .compensated, .tombstone, .finished: true
        }
    }
}

/// What an event means to a step.
package enum StepRole: Hashable, Sendable { case forward, compensate, finish }

/// How the tries of a forward step ended.
package enum StepEnding: Hashable, Sendable {
    /// It returned.
    case succeeded
    /// A condition of what it returned does not hold.
    case rejected
    /// It failed for a reason of the business; `afterUnknown` if an earlier try, of whatever
    /// process, had an end that nobody knows.
    case refused(afterUnknown: Bool)
    /// It did not come to an end in time; `afterUnknown` as above.
    case gaveUp(afterUnknown: Bool)
    /// Its event becomes a dead letter.
    case died
    /// What undoes it has come and waits; `afterUnknown` if a try, of whatever process, had an
    /// end that nobody knows.
    case calledOff(afterUnknown: Bool)
}

/// What is to be done with an event.
package enum StepAction: Hashable, Sendable {
    /// Run the step; then go from `absent` to what `StepMachine.next` says.
    case perform
    /// Run the undo; then go to `compensated`.
    case undo(from: StepState)
    /// Nothing ran: go to `tombstone`, and answer.
    case refuseForever(from: StepState)
    /// Run the finish; then go from `done` to `finished`.
    case finish
    /// It will not be tried any more: run the undo, then go from `unknown` to `failed`.
    case giveUp
    /// What ran outside may not stand: run the undo, and keep nothing of what it returns.
    case takeBack
    /// It was said before that nothing of it stands, or that it is finished: say so again, as the
    /// answer may be lost.
    case answerAgain
    /// There is nothing to finish, as the step was not needed: say that again.
    case sayNotNeeded
    /// What it completes has not come yet: it is tried again later, until it has.
    case notYet
    /// Ask whoever it called; then go from `unknown` to `done`, run the step again, or ask later.
    case ask
    /// Say in the ledger that what undoes it has come; then decide again.
    case noteCalledOff
    /// It stays as it is until a person has said something.
    case waitForAPerson
    /// Go from `unknown` to `done`, as a person has said that it acted.
    case declareDone
    /// Go from `unknown` to `failed`, or to `compensated` if it is to be undone, and call nobody:
    /// a person has said that nothing of it stands.
    case declareUndone
    /// It was dealt with before.
    case ignore
    /// The ledger and the event contradict one another; a person has to look.
    case contradiction
}

/// Decides what an event does to a step; pure, so that every order of events can be explored.
///
///                 perform ok                  undo
///       absent ───────────────▶ done ───────────────────▶ compensated
///         │ │ │                   └────── finish ──▶ finished   ▲
///         │ │ └─ nobody knows ─▶ unknown ───────── undo ────────┘
///         │ │                       │ undo, as it gives up
///         │ │                       ▼
///         │ └─ perform fails ───▶ failed
///         ├─ compensation first ─▶ tombstone
///         └─ it is not needed ──▶ skipped ──▶ tombstone, if it is to be undone
///
/// A step that is not needed acts like one that has nothing to do: who waits for it goes on, and
/// asked to undo or to finish it answers. Whether it is needed follows from the event alone, so
/// that whoever asks again finds the same; but for a version of the service that asked something
/// else, and may have acted.
///
/// A finish that finds nothing done yet waits: its saga was completed, so its step was done, and
/// either that is still to be heard, or was lost and is done again.
///
/// A step that may have acted outside is undone like one that did. So it never leaves `absent`
/// behind: before its event is given up, or set aside, the ledger says `unknown`. It may not have
/// if nothing of any try was sent; then there is nothing to undo.
///
/// Where a step says what else is to become of an unknown outcome, `UnknownMachine` decides.
///
/// Steps on records alone are decided on an assumption, without reading the ledger: the
/// transition compares and sets, and when the assumption was wrong its answer holds the true
/// state, on which the machine decides again.
package enum StepMachine {
    /// The state to act upon without a look at the ledger; nil if the ledger has to be read.
    ///
    /// What was delivered before has probably been dealt with before, a compensation has to know
    /// whether there is something to undo outside, and a step that acts outside whether it still
    /// may, and under which keys: what was cancelled before it began is not to be charged and
    /// refunded.
    ///
    /// - Parameter mayBeSkipped: whether there are sagas that do not need it: what it would
    ///   finish may not be there.
    package static func assumed(
        _ role: StepRole, deliveredBefore: Bool, actsOutside: Bool = true,
        mayBeSkipped: Bool = false
    ) -> StepState? {
        if deliveredBefore { return nil }
        return switch role {
        case .forward: actsOutside ? nil : .absent
        case .compensate: nil
        case .finish: actsOutside || mayBeSkipped ? nil : .done
        }
    }

    /// What to do with an event when the step stands in `state`.
    ///
    /// A forward event that finds its step refused, failed or skipped may yet have acted outside:
    /// before a crash, or in a delivery that nothing here remembers, as after a group was made
    /// anew.
    /// Taking back what never stood costs a call, and keeping what stands costs money.
    ///
    /// - Parameter actsOutside: whether the step touches anything but its own records.
    package static func action(
        _ role: StepRole, in state: StepState, actsOutside: Bool = true
    ) -> StepAction {
        switch (role, state) {
        case (.forward, .absent): .perform
        // Records that a failed script left half written are nothing that a call could undo.
        case (_, .unknown) where !actsOutside: .contradiction
        case (.forward, .unknown): .giveUp
        case (.forward, .tombstone), (.forward, .failed), (.forward, .skipped):
            actsOutside && !PlantedFault.isPlanted(.noTakeBack) ? .takeBack : .ignore
        case (.forward, _): .ignore
        case (.compensate, .done), (.compensate, .unknown): .undo(from: state)
        case (.compensate, .absent):
            PlantedFault.isPlanted(.noTombstone) ? .answerAgain : .refuseForever(from: .absent)
        case (.compensate, .skipped):
            PlantedFault.isPlanted(.skippedIsNoAnswer) ? .ignore : .refuseForever(from: .skipped)
        case (.compensate, .failed), (.compensate, .compensated), (.compensate, .tombstone):
            PlantedFault.isPlanted(.answersOnlyOnce) ? .ignore : .answerAgain
        case (.compensate, .finished): .contradiction
        case (.finish, .done): .finish
        case (.finish, .finished):
            PlantedFault.isPlanted(.answersOnlyOnce) ? .ignore : .answerAgain
        case (.finish, .absent), (.finish, .unknown): .notYet
        case (.finish, .skipped):
            PlantedFault.isPlanted(.skippedHasNothingToSay) ? .ignore : .sayNotNeeded
        case (.finish, _): .contradiction
        }
    }

    /// Whether a transition of that role may start from `state`.
    package static func mayLead(_ role: StepRole, from state: StepState) -> Bool {
        switch action(role, in: state) {
        case .perform, .undo, .giveUp, .finish: true
        case .refuseForever, .takeBack, .answerAgain, .sayNotNeeded, .notYet, .ignore,
            .contradiction, .ask, .noteCalledOff, .waitForAPerson, .declareDone, .declareUndone:
            false
        }
    }

    /// Where a forward step goes from `absent` when its tries have ended so.
    ///
    /// A reason of the business speaks for its own try alone: after one whose end nobody knows
    /// ("the key is in use") it hides what that one did. A step on records alone did nothing
    /// unless its transition was applied.
    package static func next(after ending: StepEnding, actsOutside: Bool = true) -> StepState {
        switch ending {
        case .succeeded: .done
        case .refused(afterUnknown: false), .gaveUp(afterUnknown: false): .failed
        case .refused where PlantedFault.isPlanted(.failureHidesUnknown): .failed
        case .gaveUp where PlantedFault.isPlanted(.givingUpCountsAsFailed): .failed
        case .refused(afterUnknown: true), .rejected, .gaveUp(afterUnknown: true):
            actsOutside ? .unknown : .failed
        case .calledOff(afterUnknown: false): .absent
        case .died, .calledOff(afterUnknown: true): actsOutside ? .unknown : .absent
        }
    }

    /// What to do after a transition was refused because the ledger held `state` instead.
    ///
    /// - Parameter mayHaveActed: for a forward step, whether it may have acted outside.
    package static func actionAfterRefusal(
        of role: StepRole, mayHaveActed: Bool, by state: StepState, actsOutside: Bool = true
    ) -> StepAction {
        guard role == .forward else { return action(role, in: state, actsOutside: actsOutside) }
        switch state {
        case .failed, .compensated, .skipped, .tombstone:
            if PlantedFault.isPlanted(.noTakeBackAfterRefusal) { return .ignore }
            return mayHaveActed && actsOutside ? .takeBack : .ignore
        case .unknown: return action(.forward, in: .unknown, actsOutside: actsOutside)
        case .absent, .done, .finished: return .ignore
        }
    }
}
