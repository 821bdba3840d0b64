/// Why a ledger says `unknown`, as the note behind it tells.
package enum UnknownCause: Hashable, Sendable, CaseIterable {
    /// Its tries came to no end that anybody knows.
    case nobodyKnows
    /// The same, and what is to undo it has come.
    case calledOff
    /// It did not succeed, and may have left something that is to be undone.
    case toBeUndone
}

/// What a step's declaration says is to become of an outcome that nobody knows.
package enum UnknownPolicy: Hashable, Sendable, CaseIterable { case compensate, askFirst, park }

/// What a person says of a step whose outcome nobody else knows.
package enum PersonalWord: String, Hashable, Sendable, CaseIterable, Codable {
    /// It acted, and stands.
    case done
    /// Nothing of it stands, and nothing of it will.
    case undone

    /// The field of a ledger that holds it, behind it the event that brought it and the reason.
    package static func field(of step: String) -> String { "resolved:" + step }
}

/// Decides what becomes of a step that acts outside while its ledger says `unknown`; pure.
///
///                       compensate        askFirst                 park, and a person says
///     nobodyKnows       undo ─▶ failed    ask: acted ─▶ done       done ─▶ done
///        │                                did not: perform again   undone ─▶ failed
///        │ its undoing has come
///        ▼
///     calledOff         undo              undo ─▶ compensated      done: undo ─▶ compensated
///                                                                  undone ─▶ compensated
///     toBeUndone        undo ─▶ failed    the same                 the same, and nobody is asked
///
/// Whoever undoes says so first where another one might conclude that it is done: `nobodyKnows`
/// is left by one transition, of all that compare it, and only from there does anything lead to
/// `done`. Without that one replica undoes what a second one, which asked a moment before, then
/// calls done.
package enum UnknownMachine {
    /// What to do with an event that starts the step, or undoes it.
    ///
    /// - Parameter word: what a person has said, if anybody has.
    package static func action(
        _ role: StepRole, _ cause: UnknownCause, _ policy: UnknownPolicy, word: PersonalWord? = nil
    ) -> StepAction {
        switch (role, cause, policy) {
        case (.finish, _, _): .notYet
        case (.forward, .toBeUndone, _), (.forward, _, .compensate): .giveUp
        case (.compensate, .toBeUndone, _), (.compensate, _, .compensate): .undo(from: .unknown)
        case (.forward, .nobodyKnows, .askFirst): .ask
        case (.forward, .calledOff, .askFirst): .giveUp
        case (.compensate, .nobodyKnows, _): .noteCalledOff
        case (.compensate, .calledOff, .askFirst): .undo(from: .unknown)
        case (.forward, .nobodyKnows, .park): afterWord(word, done: .declareDone)
        case (.forward, .calledOff, .park): afterWord(word, done: .giveUp)
        case (.compensate, .calledOff, .park): afterWord(word, done: .undo(from: .unknown))
        }
    }

    private static func afterWord(_ word: PersonalWord?, done action: StepAction) -> StepAction {
        switch word {
        case nil: .waitForAPerson
        case .done: action
        case .undone: .declareUndone
        }
    }
}

extension LedgerEntry {
    /// Why it says `unknown`.
    package var unknownCause: UnknownCause { BusinessFailure(note: note).causeOfUnknown }
}

extension BusinessFailure {
    /// What it says as the note of a ledger that says `unknown`.
    package var causeOfUnknown: UnknownCause {
        switch reason {
        case BusinessFailure.outcomeUnknown.reason: .nobodyKnows
        case BusinessFailure.calledOff.reason: .calledOff
        default: .toBeUndone
        }
    }
}
