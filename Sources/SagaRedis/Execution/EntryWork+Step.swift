import CloudEvents
import Logging
import Saga

/// What one event does to one step. `StepMachine` decides; this acts on its answers.
extension EntryWork {
    /// Bounds the rounds, each of which follows an answer that the ledger is in another state.
    ///
    /// States only move forward, and there are six.
    private static let roundsMaximum = 6

    func run(
        _ step: Step, _ role: StepRole, perform: @escaping Step.Bound
    ) async throws(Interruption) {
        let started = ContinuousClock.now
        var action: StepAction
        if let assumed = StepMachine.assumed(role, deliveredBefore: deliveredBefore) {
            action = StepMachine.action(role, in: assumed)
        } else {
            action = StepMachine.action(
                role, in: try await state(of: step), deliveredBefore: deliveredBefore)
        }
        for _ in 0..<Self.roundsMaximum {
            let (answer, outcome, succeeded) = try await act(action, step, perform)
            switch answer {
            case .refused(let entry)?:
                action = StepMachine.actionAfterRefusal(
                    of: role, succeeded: succeeded, by: try Self.state(entry))
            case .applied?, .rejected?, nil:
                environment.metrics.step(step.name, outcome: outcome, took: .now - started)
                return
            }
        }
        throw .dead(.contradiction, "the ledger keeps changing", attempts: Self.roundsMaximum)
    }

    private typealias Acted = (
        answer: TransitionRequest.Answer?, outcome: String, succeeded: Bool
    )

    private func act(
        _ action: StepAction, _ step: Step, _ perform: @escaping Step.Bound
    ) async throws(Interruption) -> Acted {
        switch action {
        case .perform:
            return try await forward(step, perform)
        case .undo:
            let limit = step.compensations.first?.giveUpAfter
            let answer = try await onlyForward(
                step, perform, from: .done, to: .compensated, limit: limit, isShielded: true)
            return (answer, "compensated", true)
        case .refuseForever:
            guard let compensation = step.compensations.first else {
                return (nil, "ignored", false)
            }
            let answer = try await onlyForward(
                step, compensation.nothingToUndo, from: .absent, to: .tombstone,
                limit: compensation.giveUpAfter)
            return (answer, "nothing_to_undo", true)
        case .finish:
            let answer = try await onlyForward(step, perform, from: .done, to: .finished)
            return (answer, "finished", true)
        case .takeBack:
            try await takeBack(step)
            return (nil, "taken_back", false)
        case .ignore:
            return (nil, "duplicate", false)
        case .contradiction:
            throw .dead(
                .contradiction, "the ledger of step \(step.name) does not allow \(event.type)",
                attempts: 1)
        }
    }

    // MARK: - Forward

    private func forward(
        _ step: Step, _ perform: @escaping Step.Bound
    ) async throws(Interruption) -> Acted {
        let limit = step.giveUpAfter ?? environment.configuration.giveUpAfter
        switch try await attempt(step.name, limit: limit, failsForBusiness: true, perform) {
        case .returned(let planned):
            let answer = try await apply(request(planned, step, from: .absent, to: .done))
            if case .rejected(let failure) = answer {
                return try await fail(step, failure, "failure")
            }
            return (answer, "success", true)
        case .failed(let failure, _):
            return try await fail(step, failure, "failure")
        case .gaveUp(let error, let attempts):
            environment.logger.warning(
                "step gave up and is taken back",
                metadata: metadata(
                    step.name, ["error": "\(error)", "attempts": "\(attempts)"]))
            return try await giveUp(step)
        }
    }

    /// In a task of its own, as this one may have been cancelled for taking too long.
    private func giveUp(_ step: Step) async throws(Interruption) -> Acted {
        let ending = await Task { () async -> Result<Acted, Interruption> in
            do throws(Interruption) {
                try await takeBack(step)
                return .success(try await fail(step, .outcomeUnknown, "unknown"))
            } catch {
                return .failure(error)
            }
        }.value
        return try ending.get()
    }

    private func fail(
        _ step: Step, _ failure: BusinessFailure, _ outcome: String
    ) async throws(Interruption) -> Acted {
        let planned: PlannedTransition
        do {
            planned = try step.fail(failure, context(step.name, attempt: 1))
        } catch {
            throw .blocked(step: step.name, String(reflecting: error), attempts: 1)
        }
        let answer = try await apply(request(planned, step, from: .absent, to: .failed))
        if case .rejected(let failure) = answer {
            throw .blocked(step: step.name, "its failure is rejected: \(failure)", attempts: 1)
        }
        return (answer, outcome, false)
    }

    /// Undoes outside what may have been done there, and keeps nothing of it here.
    private func takeBack(_ step: Step) async throws(Interruption) {
        guard let compensation = step.compensations.first else { return }
        let limit = compensation.giveUpAfter ?? environment.configuration.compensationGiveUpAfter
        let tried = try await attempt(step.name, limit: limit) { context in
            _ = try await shielded(compensation.undo, context)
        }
        if case .gaveUp(let error, let attempts) = tried {
            throw .blocked(step: step.name, String(reflecting: error), attempts: attempts)
        }
    }

    // MARK: - Only forward

    /// Runs what has to succeed in the end: a compensation, a finish.
    private func onlyForward(
        _ step: Step, _ perform: @escaping Step.Bound, from: StepState, to: StepState,
        limit: Duration? = nil, isShielded: Bool = false
    ) async throws(Interruption) -> TransitionRequest.Answer {
        let limit = limit ?? environment.configuration.compensationGiveUpAfter
        let tried = try await attempt(step.name, limit: limit) { context in
            let planned =
                isShielded
                ? try await shielded(perform, context) : try await perform(context)
            let answer = try await apply(request(planned, step, from: from, to: to))
            if case .rejected(let failure) = answer { throw failure }
            return answer
        }
        switch tried {
        case .returned(let answer):
            return answer
        case .failed(let error as any Error, let attempts), .gaveUp(let error, let attempts):
            throw .blocked(step: step.name, String(reflecting: error), attempts: attempts)
        }
    }

    /// Runs a compensation where the end of this task does not reach it, only its time limit.
    private func shielded(
        _ undo: @escaping Step.Bound, _ context: StepContext
    ) async throws -> PlannedTransition {
        let task = Task(executorPreference: environment.configuration.handlerExecutor) {
            try await undo(context)
        }
        place.limit(cancels: { task.cancel() })
        defer { place.limit(cancels: nil) }
        return try await task.value
    }

    // MARK: - The ledger

    private func request(
        _ planned: PlannedTransition, _ step: Step, from: StepState, to: StepState
    ) -> TransitionRequest {
        environment.transitions.request(
            planned, origin: origin, field: step.name, expected: from.rawValue, next: to.rawValue)
    }

    private func state(of step: Step) async throws(Interruption) -> StepState {
        let entry = try await untilAnswered { () async throws(SagaError) in
            try await environment.transitions.ledger(sagaID, field: step.name)
        }
        return try entry.map { entry throws(Interruption) in try Self.state(entry) } ?? .absent
    }

    private static func state(_ entry: LedgerEntry) throws(Interruption) -> StepState {
        guard let state = StepState(rawValue: entry.state) else {
            throw .dead(.contradiction, "the ledger holds no state of a step", attempts: 1)
        }
        return state
    }
}
