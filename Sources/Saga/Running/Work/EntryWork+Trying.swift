import Logging
import TurnTaking

/// Tries something until it comes to an end. `StepTries` decides; this acts on it.
///
///     wait for a turn ─▶ try ─▶ returned, or failed for a reason of the business
///         ▲  no slot      │
///         └── pause ◀─────┴──▶ gave up
extension EntryWork {
    enum Attempted<Value> {
        case returned(Value)
        /// For a reason of the business; the tries before it tell what may have been done.
        case failed(BusinessFailure, StepTries)
        case gaveUp(any Error, StepTries)

        /// Whether anything of it may have been done outside.
        var mayHaveActed: Bool {
            switch self {
            case .returned: true
            case .failed(_, let tries), .gaveUp(_, let tries): tries.mayHaveActed
            }
        }
    }

    /// Tries until it works, fails for a reason of the business, or has taken too long.
    ///
    /// A try that hangs is cancelled when its time is over, and so is this task: who goes on
    /// after `gaveUp` does so in a task of its own.
    /// While our own store is away the time does not count: that says nothing about the step.
    /// Nor does the time in which it waits for its turn, without a slot, or in which this process
    /// stands still. What calls nobody needs no turn.
    func attempt<Value>(
        _ step: String, _ tries: StepTries, failsForBusiness: Bool = false,
        form: KeyForm? = nil, takesTurn: Bool = true, _ body: (StepContext) async throws -> Value
    ) async throws(Interruption) -> Attempted<Value> {
        var tries = tries
        while true {
            let turn = takesTurn ? environment.turns[step]?.enter() : nil
            defer { turn?.leave() }
            guard try await has(turn) else { return .gaveUp(CancellationError(), tries) }
            tries.begin()
            let watch = TryWatch(place, limit: tries.rest)
            defer { watch.end() }
            let error: any Error
            do {
                let context = context(
                    step, attempt: tries.count, form: form, waits: { watch.waits($0) })
                return .returned(try await run(body, context))
            } catch let interruption as Interruption {
                throw interruption
            } catch let failure as BusinessFailure where failsForBusiness {
                return .failed(failure, tries)
            } catch let failure {
                error = failure
            }
            let pause =
                Task.isCancelled
                ? .zero
                : environment.configuration.retry.pause(
                    after: tries.count, random: environment.ports.chance.fraction())
            let isTriedAgain = tries.failed(
                StepTries.Failure(error), worked: watch.end(), pause: pause)
            if Task.isCancelled, place.isStopping { throw .stopped }
            guard isTriedAgain, !Task.isCancelled else { return .gaveUp(error, tries) }
            turn?.leave()
            environment.logger.debug(
                "step failed and is tried again",
                metadata: metadata(
                    step, ["error": "\(error)", "attempt": .stringConvertible(tries.count)]))
            guard await place.pause(pause) else { throw .stopped }
            if place.isCalledOff { return .gaveUp(error, tries) }
        }
    }

    /// Waits until it is its turn; false if what undoes it has come meanwhile.
    private func has(_ turn: TurnQueue.Turn?) async throws(Interruption) -> Bool {
        guard let turn, !turn.isGranted else { return true }
        guard await place.pause(until: { await turn.wait() }) else { throw .stopped }
        return turn.isGranted && !place.isCalledOff
    }

    private func run<Value>(
        _ body: (StepContext) async throws -> Value, _ context: StepContext
    ) async throws -> Value {
        guard let executor = environment.configuration.handlerExecutor else {
            return try await body(context)
        }
        return try await withTaskExecutorPreference(executor) { try await body(context) }
    }
}

extension EntryWork.Attempted: Sendable where Value: Sendable {}
