import CloudEvents
import Logging

/// A forward step: its tries, and what follows from their end.
///
///     returns ─────────────────────────────────▶ done
///     refused, or gave up, and no try ─────────▶ failed
///       before may have acted
///     refused later, rejected, gave up ─▶ unknown ─▶ undo ─▶ failed
///     what undoes it has come ─────────▶ unknown if it may have acted, and that goes on
extension EntryWork {
    func forward(
        _ step: Step, _ perform: @escaping Step.Bound
    ) async throws(Interruption) -> Acted {
        let tried: Attempted<PlannedTransition>
        let isAgain = deliveredBefore && !PlantedFault.isPlanted(.deliveredBeforeIgnored)
        switch try await unlessCalledOff(step, tries(of: step, mayHaveActed: isAgain), perform) {
        case .tried(let ended): tried = ended
        case .calledOff(let mayHaveActed): return try await callOff(step, mayHaveActed)
        }
        switch tried {
        case .returned(let planned):
            switch try await apply(transition(planned, step, from: .absent, to: .done)) {
            case .applied: return .over(outcome: "success")
            case .refused(let entry): return .refused(entry, mayHaveActed: true)
            case .rejected(let failure): return try await settle(step, .rejected, failure)
            }
        case .failed(let failure, let tries):
            return try await settle(step, .refused(afterUnknown: tries.mayHaveActed), failure)
        case .gaveUp where PlantedFault.isPlanted(.givingUpLeavesNoTrace):
            return .over(outcome: "gone")
        case .gaveUp(let error, let tries):
            let mayHaveActed = tries.mayHaveActed
            environment.logger.warning(
                !mayHaveActed
                    ? "step gave up, as nothing could be sent"
                    : step.unknown.policy == .compensate
                        ? "step gave up and is taken back"
                        : "step gave up, and nobody knows whether it has acted",
                metadata: metadata(
                    step.name, ["error": "\(error)", "attempts": .stringConvertible(tries.count)]))
            return try await uncancelled { () async throws(Interruption) in
                try await self.settle(
                    step, .gaveUp(afterUnknown: mayHaveActed),
                    mayHaveActed ? .outcomeUnknown : .unreachable)
            }
        }
    }

    /// For how long a forward step is tried.
    func tries(of step: Step, mayHaveActed: Bool) -> StepTries {
        StepTries(
            limit: step.giveUpAfter ?? environment.configuration.giveUpAfterInUse,
            unsentLimit: environment.configuration.unsentGiveUpAfterInUse,
            mayHaveActed: mayHaveActed)
    }

    enum Forward<Value> {
        case tried(Attempted<Value>)
        /// What undoes it has come, before or meanwhile.
        case calledOff(mayHaveActed: Bool)
    }

    /// Tries, unless what undoes the step has come, before or meanwhile.
    func unlessCalledOff<Value>(
        _ step: Step, _ tries: StepTries, _ body: (StepContext) async throws -> Value
    ) async throws(Interruption) -> Forward<Value> {
        let isCalledOff = place.mayBeCalledOff(step.name)
        // A try that is interrupted has an outcome that nobody knows, which would be a question.
        let isInterrupted = step.unknown.policy != .park
        if !isInterrupted { place.cannotBeCalledOff() }
        if isCalledOff { return .calledOff(mayHaveActed: tries.mayHaveActed) }
        do throws(Interruption) {
            let tried = try await attempt(step.name, tries, failsForBusiness: true, body)
            guard place.cannotBeCalledOff(), isInterrupted else { return .tried(tried) }
            return .calledOff(mayHaveActed: tried.mayHaveActed)
        } catch {
            place.cannotBeCalledOff()
            throw error
        }
    }

    /// Leaves what may have been done outside, by this try or before, to what comes to undo it.
    private func callOff(
        _ step: Step, _ mayHaveActed: Bool
    ) async throws(Interruption) -> Acted {
        environment.logger.info(
            "step is called off, as its saga is being cancelled",
            metadata: metadata(step.name, [:]))
        let next = StepMachine.next(
            after: .calledOff(afterUnknown: mayHaveActed), actsOutside: step.actsOutside)
        guard next != .absent else { return .over(outcome: "called_off") }
        let noted = try await uncancelled { () async throws(Interruption) in
            try await self.noteUnknown(step, .outcomeUnknown, from: .absent)
        }
        if case .unknown = noted { return .over(outcome: "called_off") }
        return noted
    }

    private func settle(
        _ step: Step, _ ending: StepEnding, _ failure: BusinessFailure
    ) async throws(Interruption) -> Acted {
        guard StepMachine.next(after: ending, actsOutside: step.actsOutside) == .unknown else {
            return try await fail(step, failure, from: .absent, "failure")
        }
        return try await noteUnknown(step, failure, from: .absent)
    }

    /// Says in the ledger that nobody knows whether a step has acted, or why it is to be undone,
    /// before anybody does something about it.
    ///
    /// - Parameter entry: all that the ledger has to hold, if its state alone would not do.
    func noteUnknown(
        _ step: Step, _ failure: BusinessFailure, from state: StepState,
        exactly entry: LedgerEntry? = nil
    ) async throws(Interruption) -> Acted {
        let noted = transition(
            PlannedTransition(), step, from: state, to: .unknown, note: failure.note,
            exactly: entry)
        if case .refused(let found) = try await apply(noted) {
            return .refused(found, mayHaveActed: true)
        }
        return .unknown(
            noted.mark?.next
                ?? LedgerEntry(
                    state: StepState.unknown.rawValue, eventID: event.id, note: failure.note))
    }

    /// Undoes a step whose outcome is unknown, and lets it have failed.
    func giveUp(_ step: Step, _ failure: BusinessFailure) async throws(Interruption) -> Acted {
        try await uncancelled { () async throws(Interruption) in
            try await self.takeBack(step)
            return try await self.fail(step, failure, from: .unknown, "unknown")
        }
    }

    func fail(
        _ step: Step, _ failure: BusinessFailure, from state: StepState, _ outcome: String
    ) async throws(Interruption) -> Acted {
        let planned: PlannedTransition
        do {
            planned = try step.fail(failure, context(step.name, attempt: 1))
        } catch {
            throw cannotFail(step, String(reflecting: error))
        }
        switch try await apply(
            transition(planned, step, from: state, to: .failed, note: failure.note))
        {
        case .applied: return .over(outcome: outcome)
        case .refused(let entry): return .refused(entry, mayHaveActed: false)
        case .rejected(let failure): throw cannotFail(step, "its failure is rejected: \(failure)")
        }
    }

    /// A step on records alone has done nothing that would have to wait for a person.
    private func cannotFail(_ step: Step, _ error: String) -> Interruption {
        step.actsOutside
            ? .blocked(step: step.name, error)
            : .dead(.contradiction, error, attempts: 1)
    }

    /// Undoes outside what may have been done there, and keeps nothing of it here.
    func takeBack(_ step: Step) async throws(Interruption) {
        guard step.actsOutside, let compensation = step.compensations.first else { return }
        let limit = compensation.giveUpAfter ?? environment.configuration.compensationGiveUpAfter
        let tried = try await uncancelled { () async throws(Interruption) in
            try await self.attempt(step.name, StepTries(limit: limit)) { context in
                _ = try await self.shielded(compensation.undo, context)
            }
        }
        if case .gaveUp(let error, _) = tried {
            throw .blocked(step: step.name, String(reflecting: error))
        }
    }

    /// Runs in a task of its own if what cancels this one concerns something before.
    func uncancelledIfSpent(
        _ body: @escaping @Sendable () async throws(Interruption) -> Void
    ) async throws(Interruption) {
        if place.isSpent { try await uncancelled(body) } else { try await body() }
    }

    /// Runs in a task of its own, as this one may have been cancelled for taking too long.
    func uncancelled<Value: Sendable>(
        _ body: @escaping @Sendable () async throws(Interruption) -> Value
    ) async throws(Interruption) -> Value {
        let task = Task(executorPreference: environment.ports.transport.executor) {
            do throws(Interruption) {
                return Result<Value, Interruption>.success(try await body())
            } catch {
                return .failure(error)
            }
        }
        let before = place.cancels { task.cancel() }
        defer { place.cancels(before) }
        return try await task.value.get()
    }
}
