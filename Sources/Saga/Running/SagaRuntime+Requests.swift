import CloudEvents

/// What a service's own requests do with sagas. All of it works before `run()` and beside it.
extension SagaRuntime {
    /// Begins a saga: its ledger, its deadline, the changes and the event come to be in one
    /// transition, or none of them does.
    ///
    /// - Throws: `unavailable` if the store does not answer and nothing was changed;
    ///   `outcomeUnknown` if it may have begun. Beginning again with the same ID is safe.
    ///   `halfApplied` if it failed half way: the saga has not begun and never will, nobody has
    ///   heard of it, and what was written of its changes waits for a person.
    public func begin<Event: SagaEvent>(
        _ sagaID: String, _ event: Event, changes: Changes = Changes(),
        traceparent: String? = nil
    ) async throws(SagaError) -> TransitionOutcome {
        guard let lifecycle = environment.plan.lifecycle, lifecycle.begins.isKind(of: Event.self)
        else {
            throw SagaError(.invalidDefinition, "no saga of \(name) begins with \(Event.type)")
        }
        let opening = try RecordStore.planned(
            Transition(event, changes: changes), lifecycle.begins)
        let request = request(lifecycle, sagaID, traceparent)
        var isDuplicate = false
        do {
            let state = try await request.keeper.advance(
                .begin, failure: nil, opening: { _ in opening }, context: request.context,
                look: { nil },
                apply: {
                    let answer = try await apply($0)
                    if case .refused = answer { isDuplicate = true }
                    return answer
                })
            try Self.expectKnown(state)
            return isDuplicate ? .duplicate : .applied
        } catch let failure as BusinessFailure {
            return .rejected(failure)
        } catch {
            throw Self.sagaError(error)
        }
    }

    /// Asks for a saga's cancellation, which is safe at any moment of it.
    ///
    /// - Throws: as `begin`; `halfApplied` also if the saga's life was left half written before.
    public func requestCancellation(
        of sagaID: String, reason: BusinessFailure, traceparent: String? = nil
    ) async throws(SagaError) -> CancellationOutcome {
        guard let lifecycle = environment.plan.lifecycle,
            let declared = lifecycle.requests.first
        else {
            throw SagaError(.invalidDefinition, "sagas of \(name) cannot be cancelled on request")
        }
        let request = request(lifecycle, sagaID, traceparent)
        let state: LifecycleState
        var isApplied = false
        do {
            state = try await request.keeper.advance(
                .request(awaiting: declared.awaiting), failure: reason, opening: nil,
                context: request.context,
                look: {
                    let field = LifecycleState.field
                    return try await environment.transitions.ledger(sagaID, field: field)[field]
                },
                apply: {
                    let answer = try await apply($0)
                    if case .applied = answer { isApplied = true }
                    return answer
                })
            try Self.expectKnown(state)
        } catch {
            throw Self.sagaError(error)
        }
        switch state.status {
        case .absent, .missing, .unknown: return .unknown
        case .completed: return .tooLate
        case .cancelled where !isApplied: return .alreadyCancelled
        case .cancelled, .cancelling, .pending: return .requested
        }
    }

    /// Where a saga stands; nil if it never began.
    ///
    /// - Throws: `halfApplied` if its life was left half written.
    public func status(of sagaID: String) async throws(SagaError) -> SagaStatus? {
        let entry = try await environment.transitions.ledger(
            sagaID, field: LifecycleState.field)
        guard let entry = entry[LifecycleState.field] else { return nil }
        let state = LifecycleState(text: entry.state)
        if let state { try Self.expectKnown(state) }
        return state?.sagaStatus
    }

    /// Waits until a saga has ended, and returns where it stands then, or when the time is
    /// over; nil if it never began.
    ///
    /// On cancellation it answers at once.
    public func outcome(
        of sagaID: String, within limit: Duration
    ) async throws(SagaError) -> SagaStatus? {
        let deadline = environment.clock.now + limit
        while true {
            let status = try await status(of: sagaID)
            let rest = deadline - environment.clock.now
            if status == nil || status?.isFinal == true || rest <= .zero || Task.isCancelled {
                return status
            }
            // An end between the look and the wait goes unheard, so no wait is long.
            let told = await environment.waiters.wait(
                for: sagaID, atMost: min(rest, .milliseconds(250)))
            if let told, told.isFinal { return told }
        }
    }

    /// Hears of ends that another replica brought about.
    func listenForEnds(while isRunning: @Sendable () -> Bool) async {
        guard let lifecycle = environment.plan.lifecycle else { return }
        let ends = lifecycle.ends.map(\.type)
        let cancelled = lifecycle.cancelled?.emits.type
        let waiters = environment.waiters
        while isRunning() {
            await environment.ports.transport.listen(toOwn: ends) { announcement in
                switch announcement {
                case .active: waiters.wakeAll()
                case .event(let type, let read):
                    if waiters.isEmpty { return }
                    guard let event = read() else { return }
                    waiters.wake(
                        event.correlationID, type == cancelled ? .cancelled : .completed)
                }
            }
            try? await environment.clock.sleep(for: .milliseconds(100))
        }
    }

    private static func expectKnown(_ state: LifecycleState) throws(SagaError) {
        guard state.status == .unknown else { return }
        throw SagaError(
            .halfApplied, "the saga's life was left half written and waits for a person")
    }

    /// Applies once, and keeps a letter of what was left half written.
    private func apply(
        _ transition: StoreTransition
    ) async throws(SagaError) -> TransitionAnswer {
        let health = environment.transitions.health
        do {
            let answer = try await environment.transitions.apply(transition)
            health.request(nil)
            return answer
        } catch {
            if error.code == .halfApplied, let mark = transition.mark {
                await EntryConclusion(environment: environment)
                    .keepLetter(of: mark, transition, error)
            } else if error.retry == .later {
                health.request(error)
            }
            throw error
        }
    }

    private func request(
        _ lifecycle: Lifecycle, _ sagaID: String, _ traceparent: String?
    ) -> (keeper: LifecycleKeeper, context: StepContext) {
        let keeper = LifecycleKeeper(
            lifecycle: lifecycle, plan: environment.plan, transitions: environment.transitions,
            origin: TransitionWriter.Origin(
                sagaID: sagaID, traceparent: traceparent, route: environment.plan.route),
            patience: environment.configuration.askAgainAfter)
        let cause = CloudEvent(
            id: environment.ports.chance.eventID(), source: "/\(name)", type: "Request",
            subject: sagaID, time: environment.clock.wallMilliseconds, traceparent: traceparent,
            data: Array("{}".utf8))
        let context = StepContext(
            participant: name, sagaID: sagaID, step: LifecycleState.field, event: cause,
            attempt: 1,
            keys: IdempotencyKeys(
                namespace: environment.configuration.namespace, route: environment.plan.route,
                form: .named),
            records: environment.ports.store.records)
        return (keeper, context)
    }

    private static func sagaError(_ error: any Error) -> SagaError {
        if let error = error as? SagaError { return error }
        if let failure = error as? BusinessFailure {
            return SagaError(.rejected, failure.reason, cause: failure)
        }
        return SagaError(.unexpectedState, "a part of the lifecycle failed", cause: error)
    }
}
