import CloudEvents
import Logging

/// The work on one event that was delivered: what it means to the participant, done.
///
///     for each role of the event ─▶ machine decides ─▶ handler runs ─▶ script applies
///                                        ▲                               │ refused
///                                        └───────────────────────────────┘
final class EntryWork: Sendable {
    let environment: WorkEnvironment
    let event: CloudEvent
    let deliveredBefore: Bool
    /// When the event was read.
    let epoch: StoreEpoch
    /// What the ledger held when the entry was read; nil if that is not known.
    let look: LedgerLook?
    /// By which the store knows the event.
    let entryID: String
    /// Where it runs.
    let place: Dispatcher.Place

    init(
        environment: WorkEnvironment, event: CloudEvent, deliveredBefore: Bool,
        epoch: StoreEpoch, look: LedgerLook? = nil, entryID: String, place: Dispatcher.Place
    ) {
        self.entryID = entryID
        self.environment = environment
        self.event = event
        self.deliveredBefore = deliveredBefore
        self.epoch = epoch
        self.look = look
        self.place = place
    }

    var sagaID: String { event.correlationID }

    var origin: TransitionWriter.Origin {
        TransitionWriter.Origin(
            sagaID: sagaID, causationID: event.id, traceparent: event.traceparent,
            route: event.route.map { _ in environment.plan.route })
    }

    /// Runs all roles of the event, each to an end of its own: what keeps one of them waiting is
    /// nothing to the others.
    ///
    /// - Parameter step: the one that owes what is tried again. Its roles come first, and the rest
    ///   once those are done: whoever parked it may have come no further.
    /// - Returns: the roles that came to no end.
    /// - Throws: `stopped` and `epochOver`, after which the entry stays where it is.
    func run(
        _ consumed: ParticipantPlan.Consumed, owed step: String? = nil
    ) async throws(Interruption) -> [UnfinishedRole] {
        if let fault = fault(of: consumed) {
            return [UnfinishedRole(step: nil, interruption: fault)]
        }
        var unfinished: [UnfinishedRole] = []
        if let step {
            for role in consumed.roles where role.step == step {
                try await run(role, of: consumed, noting: &unfinished)
            }
            guard unfinished.isEmpty else { return unfinished }
        }
        for role in consumed.roles where step == nil || role.step != step {
            try await run(role, of: consumed, noting: &unfinished)
        }
        return unfinished
    }

    /// Why nothing here can deal with the event.
    private func fault(of consumed: ParticipantPlan.Consumed) -> Interruption? {
        // The stream of requests is for several types.
        guard event.type == consumed.kind.type || consumed.kind.isAgain else {
            return .dead(.unknownType, "the stream is for \(consumed.kind.type)", attempts: 0)
        }
        guard event.dataVersion <= consumed.kind.version else {
            return .dead(
                .futureVersion,
                "version \(event.dataVersion) is above \(consumed.kind.version)", attempts: 0)
        }
        return nil
    }

    private func run(
        _ role: ParticipantPlan.Role, of consumed: ParticipantPlan.Consumed,
        noting unfinished: inout [UnfinishedRole]
    ) async throws(Interruption) {
        do throws(Interruption) {
            guard !place.isStopping else { return try await run(role, kind: consumed.kind) }
            try await uncancelledIfSpent { () async throws(Interruption) in
                try await self.run(role, kind: consumed.kind)
            }
        } catch {
            switch error {
            case .stopped, .epochOver: throw error
            case .dead, .halfApplied, .blocked, .asks:
                unfinished.append(UnfinishedRole(step: role.step, interruption: error))
            }
        }
    }

    /// - Parameter replaced: the type of the event in whose place this one came, as the leg that
    ///   would say it was not needed.
    private func run(
        _ role: ParticipantPlan.Role, kind: EventKind, inPlaceOf replaced: String? = nil
    ) async throws(Interruption) {
        let payload = replaced == nil ? event.data : AwaitedPayload.nothing
        switch role {
        case .start(let step):
            try await start(step, .one(payload), mayHaveActed: deliveredBefore)
        case .compensate(let step, let compensation):
            try decoded(kind.check)
            try await run(step, .compensate, perform: compensation.undo)
        case .finish(let step, let finish):
            try await run(step, .finish, perform: try decoded(finish.decode))
        case .pivot(let completion):
            let opening = try opened(completion.decode, .one(payload))
            try await hear(.pivot, failure: nil, opening: opening)
        case .inPlace(let type, let role):
            try decoded(kind.check)
            try await run(role, kind: kind, inPlaceOf: type)
        case .join(let join, let target):
            try decoded(kind.check)
            let arrival = JoinState.Arrival(
                type: replaced ?? event.type, payload: payload, isAgain: deliveredBefore)
            guard let came = try await gather(join, arrival) else { return }
            switch target {
            case .start(let step):
                try await start(step, .all(came.payloads), mayHaveActed: came.isAgain)
            case .pivot(let completion):
                let opening = try opened(completion.decode, .all(came.payloads))
                try await hear(.pivot, failure: nil, opening: opening)
            }
        case .heard(let answer, let cancellation):
            try decoded(kind.check)
            let failure = try cancellation.map { cancellation throws(Interruption) in
                try decoded(cancellation.failure)
            }
            try await hear(
                .heard(answer: answer, awaiting: cancellation?.awaiting), failure: failure,
                opening: nil)
        case .unclaimed(let unclaimed):
            try await answer(try decoded(unclaimed.read), by: kind.owner)
        case .inquiry(let step, let reconciliation):
            try await look(reconciliation, step)
        case .deadline(let request):
            try await timeIsUp(request)
        case .end(let news):
            try await note(news)
        case .again:
            try await hearRequest()
        }
    }

    /// - Parameter mayHaveActed: whether a version of the service for which it was needed may
    ///   have acted.
    private func start(
        _ step: Step, _ payloads: JoinedPayloads, mayHaveActed: Bool
    ) async throws(Interruption) {
        let perform = try opened(step.decode, payloads)
        let isNeeded = try decoded { _ throws(SagaError) in try step.isNeeded(payloads) }
        try await run(
            step, .forward, need: isNeeded ? .needed : .notNeeded(mayHaveActed: mayHaveActed),
            perform: perform, payloads: payloads)
    }

    func decoded<Value>(
        _ decode: ([UInt8]) throws(SagaError) -> Value
    ) throws(Interruption) -> Value {
        do {
            return try decode(event.data)
        } catch {
            throw .dead(.undecodable, error.debugDescription, attempts: 0)
        }
    }

    /// - Parameter payloads: what started it; the event's own if nil.
    func opened(
        _ decode: Step.JoinedDecoder, _ payloads: JoinedPayloads? = nil
    ) throws(Interruption) -> Step.Bound {
        try decoded { data throws(SagaError) in try decode(payloads ?? .one(data)) }
    }

    // MARK: - The saga's life

    func hear(
        _ input: LifecycleInput, failure: BusinessFailure?, opening: Step.Bound?
    ) async throws(Interruption) {
        var state = try await advance(input, failure, opening)
        if state.status == .absent, input.speaksOfASaga {
            try await expectKnowable(route: event.route)
            let keepers = environment.plan.lifecycle?.keepers ?? []
            let missed = keepers.isEmpty ? LifecycleInput.unknownSaga : .missing(awaiting: keepers)
            state = try await advance(missed, .unknownSaga, nil)
        }
        guard state.status != .absent else {
            throw .dead(.contradiction, "no such saga was begun here", attempts: 1)
        }
        guard state.status != .unknown else {
            throw .halfApplied(
                field: LifecycleState.field, expected: LedgerEntry.unknown,
                "the saga's life was left half written")
        }
        if let status = state.sagaStatus, status.isFinal {
            environment.waiters.wake(sagaID, status)
        }
    }

    func advance(
        _ input: LifecycleInput, _ failure: BusinessFailure?, _ opening: Step.Bound?
    ) async throws(Interruption) -> LifecycleState {
        guard let lifecycle = environment.plan.lifecycle else { return .absent }
        let keeper = LifecycleKeeper(
            lifecycle: lifecycle, plan: environment.plan, transitions: environment.transitions,
            origin: origin, patience: environment.configuration.askAgainAfter)
        let limit = environment.configuration.compensationGiveUpAfter
        let started = environment.clock.now
        let tried = try await attempt(
            LifecycleState.field, StepTries(limit: limit)
        ) { context in
            try await keeper.advance(
                input, failure: failure, opening: opening, context: context,
                look: {
                    try await ledger(LifecycleState.field)[LifecycleState.field]
                },
                apply: { try await apply($0) })
        }
        switch tried {
        case .returned(let state):
            if state.sagaStatus != nil {
                environment.metrics.step(
                    LifecycleState.field, outcome: state.status.rawValue,
                    took: environment.clock.now - started)
            }
            return state
        case .failed(let error as any Error, _), .gaveUp(let error, _):
            throw .blocked(
                step: LifecycleState.field, String(reflecting: error))
        }
    }

    /// Applies a transition, through outages: a transition whose outcome is unknown is applied
    /// again, and the ledger answers.
    func apply(_ transition: StoreTransition) async throws(Interruption) -> TransitionAnswer {
        try await untilAnswered(transition.mark) { () async throws(SagaError) in
            try await environment.transitions.apply(transition, in: epoch)
        }
    }

    /// Asks our own store until it answers.
    ///
    /// Without a time limit: that it is slow or away, or refuses, says nothing about the step,
    /// and must not end it.
    func untilAnswered<Value>(
        _ mark: StoreTransition.Mark? = nil, _ ask: () async throws(SagaError) -> Value
    ) async throws(Interruption) -> Value {
        var attempts = 0
        let health = environment.transitions.health
        place.answers()
        while true {
            do throws(SagaError) {
                let value = try await ask()
                health.transition(nil)
                return value
            } catch {
                if error.code == .stopped || Task.isCancelled { throw .stopped }
                if error.code == .epochOver { throw .epochOver }
                if error.code == .halfApplied, let mark {
                    throw .halfApplied(
                        field: mark.field, expected: mark.expected, error.debugDescription)
                }
                // Data of a version to come says nothing about the entry, which stays where it is.
                guard error.retry == .later || error.code == .invalidConfiguration else {
                    throw .dead(.contradiction, error.debugDescription, attempts: attempts + 1)
                }
                attempts += 1
                health.transition(error)
                environment.metrics.redisRetried()
                if health.isNews(error.message) {
                    environment.logger.warning(
                        "Redis fails a call of a saga, which is made again",
                        metadata: metadata(
                            mark?.field ?? "", ["error": "\(error.debugDescription)"]))
                }
                let pause = RetrySchedule(pauseMaximum: .milliseconds(500)).pause(
                    after: attempts, random: environment.ports.chance.fraction())
                guard await place.pause(pause) else { throw .stopped }
            }
        }
    }

    /// - Parameter form: how keys are made; as the event says unless given.
    func context(
        _ step: String, attempt: Int, form: KeyForm? = nil,
        waits: @escaping @Sendable (Bool) -> Void = { _ in }
    ) -> StepContext {
        StepContext(
            participant: environment.plan.name, sagaID: sagaID, step: step, event: event,
            attempt: attempt,
            keys: IdempotencyKeys(
                namespace: environment.configuration.namespace, route: environment.plan.route,
                form: form ?? KeyForm(startedBy: event.route)),
            records: environment.ports.store.records, waits: waits)
    }

    func metadata(_ step: String, _ more: Logger.Metadata) -> Logger.Metadata {
        var metadata: Logger.Metadata = [
            "saga": "\(sagaID)", "step": "\(step)", "type": "\(event.type)", "event": "\(event.id)",
        ]
        metadata.merge(more) { $1 }
        return metadata
    }
}
