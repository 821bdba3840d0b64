import CloudEvents
import Logging
import Metrics
import Synchronization
import TurnTaking

/// Why the work on an entry ended without an end.
enum Interruption: Error {
    /// The runtime stops. The entry stays pending where it is.
    case stopped
    /// The store may hold other data by now. The entry is read again if it is still there.
    case epochOver
    /// Nothing here can deal with it.
    case dead(DeadLetter.Reason, String, attempts: Int)
    /// A transition of this ledger field failed after it had begun to write.
    case halfApplied(field: String, expected: String, String)
    /// A step that may only go on kept failing; a person has to look.
    case blocked(step: String, String, attempts: Int)
    /// A step's outcome is not known, and a person is asked.
    case asks(step: String, question: String)
}

/// What all work on entries shares.
final class WorkEnvironment: Sendable {
    let plan: ParticipantPlan
    let ports: SagaPorts
    let transitions: TransitionWriter
    let configuration: SagaRuntimeConfiguration
    let metrics: SagaMetrics
    /// Counts what was consumed, by stream.
    let consumed: [Counter]
    let logger: Logger
    let waiters: OutcomeWaiters
    let birth: StoreBirth
    let letters: LetterTeller
    /// Where only so many of a step's blocks run at once, by step.
    let turns: [String: TurnQueue]
    /// Who has to be asked before a company is called, by step.
    let gates: [String: CompanyGate]
    /// Nil if the participant begins no sagas that have a deadline.
    let load: LoadWatch?
    /// Whether any saga of the participant was blocked when somebody last looked.
    let isAnyBlocked = Atomic(false)

    /// What the events of each stream mean on its route; nil for what it does not hear.
    let meanings: [ParticipantPlan.Consumed?]
    /// Those of its other routes, by their names.
    private let further: [String: WorkEnvironment]

    var streams: [ConsumedStream] { ports.transport.streams }
    var clock: any SagaClock { ports.clock }

    /// Those of all routes.
    var onEachRoute: [WorkEnvironment] {
        [self] + plan.further.compactMap { further[$0.route] }
    }

    /// That of the route which an event names; nil if the participant has no part in it.
    ///
    /// An event without a route is of the first. Who was not made for a route takes it from any.
    func on(_ route: String?) -> WorkEnvironment? {
        guard let route, route != plan.route, plan.hearsEnds else { return self }
        return further[route]
    }

    /// What a ledger that is not there proves now, where there is data since `born`.
    func horizon(since born: Int64) -> Horizon {
        Horizon(born: born, now: clock.wallMilliseconds, life: configuration.ledgerTimeToLive)
    }

    /// Of all routes of a participant.
    convenience init(
        plan: ParticipantPlan, ports: SagaPorts, configuration: SagaRuntimeConfiguration,
        metrics: SagaMetrics, logger: Logger
    ) {
        let shared = Shared(
            health: RuntimeHealth(clock: ports.clock),
            letters: LetterTeller(clock: ports.clock, metrics: metrics, logger: logger),
            gates: CompanyGate.gates(
                of: plan.onEachRoute.flatMap(\.steps), clock: ports.clock, metrics: metrics,
                logger: logger))
        let isNamed = !plan.further.isEmpty
        var further: [String: WorkEnvironment] = [:]
        for part in plan.further {
            further[part.route] = WorkEnvironment(
                plan: part, further: [:], ports: ports.on(part.route, of: plan.naming),
                shared, configuration: configuration, metrics: metrics, logger: logger)
        }
        self.init(
            plan: plan, further: further,
            ports: isNamed ? ports.on(plan.route, of: plan.naming) : ports, shared,
            configuration: configuration, metrics: metrics, logger: logger)
    }

    /// What all routes of a participant have in common.
    private struct Shared {
        var health: RuntimeHealth
        var letters: LetterTeller
        /// By the company's name.
        var gates: [String: CompanyGate]
    }

    private init(
        plan: ParticipantPlan, further: [String: WorkEnvironment], ports: SagaPorts,
        _ shared: Shared, configuration: SagaRuntimeConfiguration, metrics: SagaMetrics,
        logger: Logger
    ) {
        self.plan = plan
        self.further = further
        self.ports = ports
        meanings = ports.transport.streams.map { plan.consumed[$0.type] }
        transitions = TransitionWriter(
            service: plan.name, store: ports.store, clock: ports.clock, chance: ports.chance,
            metrics: metrics, health: shared.health)
        self.configuration = configuration
        self.metrics = metrics
        consumed = ports.transport.streams.map { metrics.counter(of: $0.type, .consumed) }
        self.logger = logger
        letters = shared.letters
        waiters = OutcomeWaiters(ports.transport.executor, ports.clock)
        birth = StoreBirth(ports.store)
        load = LoadQuestion(plan).map(LoadWatch.init)
        turns = Dictionary(
            plan.steps.compactMap { step in
                step.atMost.map { (step.name, TurnQueue(atMost: $0)) }
            }, uniquingKeysWith: { first, _ in first })
        let calling = plan.steps.compactMap { step in step.company.map { (step.name, $0.name) } }
        gates = Dictionary(calling) { first, _ in first }.compactMapValues { shared.gates[$0] }
    }
}

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

    func run(_ consumed: ParticipantPlan.Consumed) async throws(Interruption) {
        if consumed.kind.isAgain { return try await hearRequest() }
        guard event.type == consumed.kind.type else {
            throw .dead(.unknownType, "the stream is for \(consumed.kind.type)", attempts: 0)
        }
        guard event.dataVersion <= consumed.kind.version else {
            throw .dead(
                .futureVersion,
                "version \(event.dataVersion) is above \(consumed.kind.version)", attempts: 0)
        }
        for role in consumed.roles {
            guard !place.isStopping else {
                try await run(role, kind: consumed.kind)
                continue
            }
            try await uncancelledIfSpent { () async throws(Interruption) in
                try await self.run(role, kind: consumed.kind)
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
        case .failed(let error as any Error, let tries), .gaveUp(let error, let tries):
            throw .blocked(
                step: LifecycleState.field, String(reflecting: error), attempts: tries.count)
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
        place.limit(nil)
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
