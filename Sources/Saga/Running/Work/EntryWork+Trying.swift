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
        let gate = takesTurn && !environment.gates.isEmpty ? environment.gates[step] : nil
        while true {
            let turn = takesTurn ? environment.turns[step]?.enter() : nil
            defer { turn?.leave() }
            guard try await has(turn) else { return .gaveUp(CancellationError(), tries) }
            if let turn { place.lends { turn.lend() } }
            defer { if turn != nil { place.lends(nil) } }
            var passage = Passage.passed(CompanyGate.free)
            if let gate { passage = try await self.passage(through: gate, tries) }
            let failed: Failed
            switch passage {
            case .over(let reason): return .gaveUp(reason, tries)
            case .refused(let reason, let rest):
                let isTriedAgain = tries.failed(.unsent, worked: .zero, pause: rest)
                failed = Failed(error: reason, pause: rest, isTriedAgain: isTriedAgain)
            case .passed(let call):
                switch try await tryOnce(step, &tries, failsForBusiness, form, gate, call, body) {
                case .returned(let value): return .returned(value)
                case .refused(let failure): return .failed(failure, tries)
                case .failed(let failure): failed = failure
                }
            }
            if Task.isCancelled, place.isStopping { throw .stopped }
            guard failed.isTriedAgain, !Task.isCancelled else {
                return .gaveUp(failed.error, tries)
            }
            turn?.leave()
            environment.logger.debug(
                "step failed and is tried again",
                metadata: metadata(
                    step,
                    ["error": "\(failed.error)", "attempt": .stringConvertible(tries.count)]))
            guard await place.pause(failed.pause) else { throw .stopped }
            if place.isCalledOff { return .gaveUp(failed.error, tries) }
        }
    }

    /// A try that brought nothing.
    private struct Failed {
        var error: any Error
        var pause: Duration
        var isTriedAgain: Bool
    }

    private enum Tried<Value> {
        case returned(Value)
        case refused(BusinessFailure)
        case failed(Failed)
    }

    private func tryOnce<Value>(
        _ step: String, _ tries: inout StepTries, _ failsForBusiness: Bool, _ form: KeyForm?,
        _ gate: CompanyGate?, _ call: CompanyGate.Call, _ body: (StepContext) async throws -> Value
    ) async throws(Interruption) -> Tried<Value> {
        tries.begin()
        let watch = TryWatch(place, limit: tries.rest)
        defer { watch.end() }
        let error: any Error
        do {
            let context = context(
                step, attempt: tries.count, form: form, waits: { watch.waits($0) })
            let value = try await run(body, context)
            gate?.ended(call, .answered)
            return .returned(value)
        } catch let interruption as Interruption {
            gate?.ended(call, .nothing)
            throw interruption
        } catch let failure as BusinessFailure where failsForBusiness {
            gate?.ended(call, .answered)
            return .refused(failure)
        } catch let failure {
            gate?.ended(call, ending(failure))
            error = failure
        }
        let pause =
            Task.isCancelled
            ? .zero
            : environment.configuration.retry.pause(
                after: tries.count, random: environment.ports.chance.fraction())
        let isTriedAgain = tries.failed(
            StepTries.Failure(error), worked: watch.end(), pause: pause)
        return .failed(Failed(error: error, pause: pause, isTriedAgain: isTriedAgain))
    }

    // MARK: - The company

    private enum Passage {
        case passed(CompanyGate.Call)
        /// Nothing is sent now, and may be after a while.
        case refused(any Error, for: Duration)
        /// It is not tried any more.
        case over(any Error)
    }

    /// Waits for the company's rate, and asks its breaker; without a slot, as long as it waits.
    private func passage(
        through gate: CompanyGate, _ tries: StepTries
    ) async throws(Interruption) -> Passage {
        if let end = gate.refusal() { return refused(by: gate, until: end, tries) }
        if let moment = gate.reserve() {
            gate.waits(true)
            let goesOn = await place.pause(max(moment - environment.clock.now, .zero))
            gate.waits(false)
            if !goesOn || place.isCalledOff { gate.giveBack(moment) }
            guard goesOn else { throw .stopped }
            if place.isCalledOff { return .over(CancellationError()) }
        }
        switch gate.admit(of: sagaID) {
        case .success(let call): return .passed(call)
        case .failure(let refusal): return refused(by: gate, until: refusal.end, tries)
        }
    }

    /// What may wait to send waits; what would hold things up for long is to be parked.
    private func refused(
        by gate: CompanyGate, until end: ContinuousClock.Instant, _ tries: StepTries
    ) -> Passage {
        let schedule = environment.configuration.retry
        let rest = max(end - environment.clock.now, schedule.pauseMinimum)
        let error = CompanyIsDown(name: gate.company.name)
        guard tries.waitsToSend || rest <= schedule.pauseMaximum else { return .over(error) }
        // Not all at the same moment: one of them tries, and the others look whether it worked.
        let jitter = schedule.pause(after: 4, random: environment.ports.chance.fraction())
        return .refused(error, for: rest + jitter)
    }

    /// What a failed try tells of the company: nothing if it was cancelled, but for its limit.
    private func ending(_ error: any Error) -> CircuitBreaker.Ending {
        if Task.isCancelled, place.isStopping || place.isCalledOff { return .nothing }
        // That it does not know is an answer.
        return error is NoAnswer ? .answered : CircuitBreaker.Ending(error)
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
        guard let executor = environment.configuration.handlerExecutor.executor else {
            return try await body(context)
        }
        return try await withTaskExecutorPreference(executor) {
            await Self.arrive()
            return try await body(context)
        }
    }

    /// Goes on where the task prefers to run: what is called, as a handler, runs where its caller
    /// does, whatever the task prefers.
    ///
    /// It has to do something there, or the compiler leaves out the way.
    @inline(never)
    @concurrent private static func arrive() async { _ = Task.isCancelled }
}

extension EntryWork.Attempted: Sendable where Value: Sendable {}
