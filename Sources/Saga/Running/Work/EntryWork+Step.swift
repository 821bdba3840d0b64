import CloudEvents
import Logging

/// What one event does to one step. `StepMachine` decides; this acts on its answers.
extension EntryWork {
    /// Bounds the rounds, each of which follows an answer that the ledger is in another state.
    ///
    /// States only move forward, and there are eight, of which one has two stages more.
    private static let roundsMaximum = 10

    /// Whether a saga needs a step.
    enum Need: Hashable {
        case needed
        case notNeeded(mayHaveActed: Bool)
    }

    /// What became of an action.
    enum Acted {
        case over(outcome: String)
        /// The ledger held something else.
        case refused(LedgerEntry, mayHaveActed: Bool)
        /// The ledger says `unknown`, in this form.
        case unknown(LedgerEntry)
    }

    /// - Parameters:
    ///   - need: for a forward step, whether it is to run.
    ///   - payloads: what it started on, if it is to be done.
    func run(
        _ step: Step, _ role: StepRole, need: Need = .needed, perform: @escaping Step.Bound,
        payloads: JoinedPayloads? = nil
    ) async throws(Interruption) {
        let started = environment.clock.now
        var ledger: LedgerLook?
        var action: StepAction
        let assumed = StepMachine.assumed(
            role, deliveredBefore: deliveredBefore, actsOutside: step.actsOutside,
            mayBeSkipped: step.condition != nil)
        if let assumed {
            action = StepMachine.action(role, in: assumed, actsOutside: step.actsOutside)
        } else {
            ledger =
                if let look, look.covers(step.name) { look } else {
                    try await self.ledger(step.name)
                }
            try expectNotHalf(step, role, ledger?[step.name])
            action = try await self.action(role, of: step, in: ledger?[step.name])
        }
        if action == .perform { try await expectKnowable(ledger) }
        var entry = ledger?[step.name]
        for _ in 0..<Self.roundsMaximum {
            let acted =
                if entry?.state == LedgerEntry.unknown, action.isAboutUnknown {
                    need == .needed || action != .ask
                        ? try await settle(action, role, step, entry, perform, payloads)
                        : try await noteNotNeeded(step, entry)
                } else if case .notNeeded(let mayHaveActed) = need {
                    try await actNotNeeded(action, step, entry, perform, mayHaveActed)
                } else {
                    try await act(action, step, entry, ledger?.form, perform)
                }
            switch acted {
            case .refused(let found, let mayHaveActed):
                // What it holds now may have been made by other keys than those it held before.
                if role != .forward { ledger = try await self.ledger(step.name) }
                entry = found
                action = try await self.action(
                    role, of: step, in: found, afterRefusal: mayHaveActed)
            case .unknown(let found):
                entry = found
                action = try await self.action(role, of: step, in: found)
            case .over(let outcome):
                environment.metrics.step(
                    step.name, outcome: outcome, took: environment.clock.now - started)
                return
            }
        }
        throw .dead(.contradiction, "the ledger keeps changing", attempts: Self.roundsMaximum)
    }

    /// - Parameter mayHaveActed: nil unless a transition was refused, as this stood there.
    private func action(
        _ role: StepRole, of step: Step, in entry: LedgerEntry?,
        afterRefusal mayHaveActed: Bool? = nil
    ) async throws(Interruption) -> StepAction {
        let state = try Self.state(entry)
        if state == .unknown, step.actsOutside, let entry {
            let word = try await personalWord(on: step)
            return UnknownMachine.action(
                role, entry.unknownCause, step.unknown.policy, word: word)
        }
        guard let mayHaveActed else {
            return StepMachine.action(role, in: state, actsOutside: step.actsOutside)
        }
        return StepMachine.actionAfterRefusal(
            of: role, mayHaveActed: mayHaveActed, by: state, actsOutside: step.actsOutside)
    }

    func act(
        _ action: StepAction, _ step: Step, _ entry: LedgerEntry?, _ form: KeyForm?,
        _ perform: @escaping Step.Bound
    ) async throws(Interruption) -> Acted {
        switch action {
        case .perform:
            return try await forward(step, perform)
        case .undo(let state):
            let limit = step.compensations.first?.giveUpAfter
            let answer = try await onlyForward(
                step, perform, from: state, to: .compensated, limit: limit, form: form,
                isShielded: true)
            return acted(answer, outcome: "compensated")
        case .refuseForever(let state):
            guard let compensation = step.compensations.first else {
                return .over(outcome: "ignored")
            }
            let answer = try await onlyForward(
                step, compensation.nothingToUndo, from: state, to: .tombstone,
                limit: compensation.giveUpAfter, takesTurn: false)
            return acted(answer, outcome: "nothing_to_undo")
        case .finish:
            let answer = try await onlyForward(
                step, perform, from: .done, to: .finished, form: form)
            return acted(answer, outcome: "finished")
        case .giveUp:
            return try await giveUp(step, entry?.failure ?? .outcomeUnknown)
        case .takeBack:
            try await takeBack(step)
            return .over(outcome: "taken_back")
        case .answerAgain:
            try await answerAgain(step, entry, perform)
            return .over(outcome: "answered_again")
        case .sayNotNeeded:
            try await sayNotNeeded(step, entry)
            return .over(outcome: "not_needed")
        case .notYet:
            if entry == nil || entry?.state == "" { try await expectKnowable(nil) }
            throw .blocked(
                step: step.name, "\(event.type) came, and what it completes is not done yet")
        case .ignore, .ask, .noteCalledOff, .waitForAPerson, .declareDone, .declareUndone:
            return .over(outcome: "duplicate")
        case .contradiction:
            throw .dead(
                .contradiction, "the ledger of step \(step.name) does not allow \(event.type)",
                attempts: 1)
        }
    }

    /// What an answer means to who has not acted outside, or will not undo it.
    func acted(_ answer: TransitionAnswer, outcome: String) -> Acted {
        if case .refused(let entry) = answer { return .refused(entry, mayHaveActed: false) }
        return .over(outcome: outcome)
    }

    /// Says again what was said before, that it failed, that nothing of it stands or that it is
    /// finished: only the event, by the same ID, as it is the same event and all else was done
    /// then.
    ///
    /// The same delivery of what it finished on was answered when it did.
    private func answerAgain(
        _ step: Step, _ entry: LedgerEntry?, _ perform: @escaping Step.Bound
    ) async throws(Interruption) {
        var answer: PlannedTransition
        do {
            let context = context(step.name, attempt: 1)
            if entry?.state == StepState.finished.rawValue {
                guard let said = try await saidAgain(step, perform) else { return }
                answer = said
            } else if entry?.state == StepState.failed.rawValue {
                answer = try step.fail(entry?.failure ?? .outcomeUnknown, context)
            } else if let compensation = step.compensations.first {
                answer = try await compensation.nothingToUndo(context)
            } else {
                return
            }
        } catch let interruption as Interruption {
            throw interruption
        } catch {
            throw .dead(.contradiction, String(reflecting: error), attempts: 1)
        }
        answer.changes = Changes()
        _ = try await apply(
            environment.transitions.transition(answer, origin: origin, id: entry?.eventID))
    }

    /// What a finish said, made again; nil if it says nothing, or cannot now.
    private func saidAgain(
        _ step: Step, _ perform: @escaping Step.Bound
    ) async throws(Interruption) -> PlannedTransition? {
        if deliveredBefore || step.finishes.allSatisfy({ $0.emits == nil }) { return nil }
        let limit = environment.configuration.compensationGiveUpAfter
        let tried = try await attempt(step.name, StepTries(limit: limit)) {
            try await perform($0)
        }
        guard case .returned(let planned) = tried else { return nil }
        return planned
    }

    // MARK: - Only forward

    /// Runs what has to succeed in the end: a compensation, a finish.
    func onlyForward(
        _ step: Step, _ perform: @escaping Step.Bound, from: StepState, to: StepState,
        limit: Duration? = nil, form: KeyForm? = nil, isShielded: Bool = false,
        takesTurn: Bool = true
    ) async throws(Interruption) -> TransitionAnswer {
        let limit = limit ?? environment.configuration.compensationGiveUpAfter
        let tried = try await attempt(
            step.name, StepTries(limit: limit), form: form, takesTurn: takesTurn
        ) { context in
            let planned =
                isShielded
                ? try await shielded(perform, context) : try await perform(context)
            let answer = try await apply(transition(planned, step, from: from, to: to))
            if case .rejected(let failure) = answer { throw failure }
            return answer
        }
        switch tried {
        case .returned(let answer):
            return answer
        case .failed(let error as any Error, _), .gaveUp(let error, _):
            throw .blocked(step: step.name, String(reflecting: error))
        }
    }

    /// Runs a compensation where the end of this task does not reach it, only its time limit.
    func shielded(
        _ undo: @escaping Step.Bound, _ context: StepContext
    ) async throws -> PlannedTransition {
        let task = Task(
            executorPreference: environment.configuration.handlerExecutor.executor
                ?? environment.ports.transport.executor
        ) {
            try await undo(context)
        }
        let before = place.cancels { task.cancel() }
        defer { place.cancels(before) }
        return try await task.value
    }

    // MARK: - The ledger

    func transition(
        _ planned: PlannedTransition, _ step: Step, from: StepState, to: StepState,
        note: String = "", exactly entry: LedgerEntry? = nil
    ) -> StoreTransition {
        // An owner's ledger ends with its saga's life, whatever its own steps do.
        let hearsEnds = environment.plan.hearsEnds
        let isOwner = environment.plan.lifecycle != nil
        return environment.transitions.transition(
            planned, origin: origin, field: step.name, expected: from.rawValue, next: to.rawValue,
            exactly: entry?.text, note: note, form: notedForm(step, from),
            end: hearsEnds && !isOwner && to == .finished ? .completed : nil,
            isLast: !hearsEnds || !isOwner && to.isFinal)
    }

    /// Noted with the first thing that a step may have done outside.
    private func notedForm(_ step: Step, _ from: StepState) -> KeyForm {
        step.actsOutside && from == .absent ? KeyForm(startedBy: event.route) : .sagaAndStep
    }

    func ledger(_ field: String) async throws(Interruption) -> LedgerLook {
        try await untilAnswered { () async throws(SagaError) in
            try await environment.transitions.ledger(sagaID, field: field)
        }
    }

    /// What this very entry left half written before its process died is not run again.
    private func expectNotHalf(
        _ step: Step, _ role: StepRole, _ entry: LedgerEntry?
    ) throws(Interruption) {
        guard deliveredBefore,
            let state = entry?.stateBeforeHalf.flatMap(StepState.init(rawValue:)),
            StepMachine.mayLead(role, from: state)
        else { return }
        throw .halfApplied(
            field: step.name, expected: LedgerEntry.unknown,
            "an earlier delivery failed after its first write")
    }

    private static func state(_ entry: LedgerEntry?) throws(Interruption) -> StepState {
        guard let state = StepState(rawValue: entry?.state ?? "") else {
            throw .dead(.contradiction, "the ledger holds no state of a step", attempts: 1)
        }
        return state
    }
}

extension LedgerEntry {
    /// The failure that its note says.
    var failure: BusinessFailure? { note.isEmpty ? nil : BusinessFailure(note: note) }
}
