import Logging

/// A step of which nobody knows whether it has acted, where more is to be done about that than to
/// undo it. `UnknownMachine` decides; this acts on its answers.
///
///     ask ─▶ it acted ────────────────────────────────▶ done
///      │ └─▶ it did not ──▶ perform again, same key ──▶ done
///      │                        │ refused, rejected
///      │ refused                ▼
///      ├──────────────────▶ to be undone ─▶ undo ─▶ failed
///      └─ nobody can say, or it gave up again ─▶ owed: asked again, after a growing pause
extension EntryWork {
    func settle(
        _ action: StepAction, _ role: StepRole, _ step: Step, _ entry: LedgerEntry?,
        _ perform: @escaping Step.Bound, _ payloads: JoinedPayloads?
    ) async throws(Interruption) -> Acted {
        guard let entry else { return .over(outcome: "duplicate") }
        switch (action, step.unknown) {
        case (.ask, .askFirst(let open)):
            return try await ask(step, entry, open, perform, payloads)
        case (.noteCalledOff, _):
            return try await note(.calledOff, on: step, entry)
        case (.waitForAPerson, .park(let question, _)):
            throw .asks(step: step.name, question: question)
        case (.declareDone, .park(_, let done)):
            return try await declareDone(step, entry, try opened(done, payloads))
        case (.declareUndone, _):
            return try await declareUndone(step, role)
        default:
            return .over(outcome: "duplicate")
        }
    }

    /// Who it called could not say whether it has acted.
    struct NoAnswer: Error, CustomStringConvertible {
        let description = "whoever it called cannot say whether it has acted"
    }

    private func ask(
        _ step: Step, _ entry: LedgerEntry,
        _ open: (JoinedPayloads) throws(SagaError) ->
            @Sendable (StepContext) async throws -> Step.PlannedAnswer,
        _ perform: @escaping Step.Bound, _ payloads: JoinedPayloads?
    ) async throws(Interruption) -> Acted {
        let query = try decoded { data throws(SagaError) in try open(payloads ?? .one(data)) }
        let limit = environment.configuration.compensationGiveUpAfter
        let asked = try await unlessCalledOff(
            step, StepTries(limit: limit, mayHaveActed: true)
        ) { context in
            let answer = try await query(context)
            if case .cannotSay = answer { throw NoAnswer() }
            return answer
        }
        switch asked {
        case .calledOff: return .over(outcome: "called_off")
        case .tried(.returned(.acted(let planned))):
            return try await isDone(step, entry, planned)
        case .tried(.returned(.didNotAct)), .tried(.returned(.cannotSay)):
            return try await performAgain(step, entry, perform)
        case .tried(.failed(let failure, let tries)):
            return try await note(failure, after: tries, on: step, entry)
        case .tried(.gaveUp(let error, _)):
            throw .blocked(step: step.name, "\(error)")
        }
    }

    /// Runs it again under its key: an earlier call that is still on its way is the same call.
    private func performAgain(
        _ step: Step, _ entry: LedgerEntry, _ perform: @escaping Step.Bound
    ) async throws(Interruption) -> Acted {
        switch try await unlessCalledOff(step, tries(of: step, mayHaveActed: true), perform) {
        case .calledOff: return .over(outcome: "called_off")
        case .tried(.returned(let planned)): return try await isDone(step, entry, planned)
        case .tried(.failed(let failure, let tries)):
            return try await note(failure, after: tries, on: step, entry)
        case .tried(.gaveUp(let error, _)):
            throw .blocked(
                step: step.name, "it had not acted, and gave up again: \(error)")
        }
    }

    /// A failure that says nobody knows is not an answer: it is asked again.
    private func note(
        _ failure: BusinessFailure, after tries: StepTries, on step: Step, _ entry: LedgerEntry
    ) async throws(Interruption) -> Acted {
        guard failure.causeOfUnknown == .toBeUndone else {
            throw .blocked(step: step.name, "\(NoAnswer())")
        }
        return try await note(failure, on: step, entry)
    }

    private func isDone(
        _ step: Step, _ entry: LedgerEntry, _ planned: PlannedTransition
    ) async throws(Interruption) -> Acted {
        let done = transition(planned, step, from: .unknown, to: .done, exactly: entry)
        switch try await uncancelled({ () async throws(Interruption) in try await self.apply(done) }
        ) {
        case .applied: return .over(outcome: "success")
        case .refused(let found): return .refused(found, mayHaveActed: true)
        case .rejected(let failure): return try await note(failure, on: step, entry)
        }
    }

    /// What another version of the service may have done is undone, and nobody asked.
    func noteNotNeeded(_ step: Step, _ entry: LedgerEntry?) async throws(Interruption) -> Acted {
        guard let entry else { return .over(outcome: "duplicate") }
        return try await note(.notNeeded, on: step, entry)
    }

    /// Says in the ledger why it is to be undone, before anybody does so.
    private func note(
        _ failure: BusinessFailure, on step: Step, _ entry: LedgerEntry
    ) async throws(Interruption) -> Acted {
        try await uncancelled { () async throws(Interruption) in
            try await self.noteUnknown(step, failure, from: .unknown, exactly: entry)
        }
    }

    // MARK: - What a person says

    /// What a person has said of a step that asks people.
    func personalWord(
        on step: Step
    ) async throws(Interruption) -> PersonalWord? {
        guard step.unknown.policy == .park else { return nil }
        let field = PersonalWord.field(of: step.name)
        return try await ledger(field)[field].flatMap { PersonalWord(rawValue: $0.state) }
    }

    private func declareDone(
        _ step: Step, _ entry: LedgerEntry, _ done: @escaping Step.Bound
    ) async throws(Interruption) -> Acted {
        let limit = environment.configuration.compensationGiveUpAfter
        switch try await attempt(step.name, StepTries(limit: limit, mayHaveActed: true), done) {
        case .returned(let planned): return try await isDone(step, entry, planned)
        case .failed(let error as any Error, _), .gaveUp(let error, _):
            throw .blocked(
                step: step.name,
                "a person says that it acted, but what it returned is missing: "
                    + "\(error)")
        }
    }

    private func declareUndone(
        _ step: Step, _ role: StepRole
    ) async throws(Interruption) -> Acted {
        guard role == .compensate, let compensation = step.compensations.first else {
            return try await fail(step, .declaredUndone, from: .unknown, "declared_undone")
        }
        let answer = try await onlyForward(
            step, compensation.nothingToUndo, from: .unknown, to: .compensated,
            limit: compensation.giveUpAfter, takesTurn: false)
        return acted(answer, outcome: "declared_undone")
    }
}

extension StepAction {
    /// Whether it is one that only an outcome calls for that nobody knows.
    var isAboutUnknown: Bool {
        switch self {
        case .ask, .noteCalledOff, .waitForAPerson, .declareDone, .declareUndone: true
        case .perform, .undo, .refuseForever, .finish, .giveUp, .takeBack, .answerAgain,
            .sayNotNeeded, .notYet, .ignore, .contradiction:
            false
        }
    }
}
