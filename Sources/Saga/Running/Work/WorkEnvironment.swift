import Logging
import Metrics
import Synchronization
import TurnTaking

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
    let letters: DeadLetterReporter
    /// Where only so many of a step's blocks run at once, by step.
    let turns: [String: TurnQueue]
    /// Who has to be asked before a company is called, by step.
    let gates: [String: CompanyGate]
    /// Nil if the participant begins no sagas that have a deadline.
    let load: LoadWatch?
    /// Whether any saga of the participant was blocked when somebody last looked.
    let isAnyBlocked = Atomic(false)

    /// What was passed over, so that each is told of once.
    private let passedOver = Mutex<Set<String>>([])
    private static let passedOverMaximum = 100

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

    /// Notes an event of a route in which the participant has no part: whoever says the same
    /// events on several routes is heard by those of all.
    func passOver(_ entry: HeldEntry) {
        let type = streams[entry.stream].type
        metrics.event(type, .passedOver)
        let route = String((entry.route ?? "").prefix(80))
        let isNew = passedOver.withLock { known in
            known.count < Self.passedOverMaximum && known.insert("\(type) \(route)").inserted
        }
        guard isNew else { return }
        logger.notice(
            "events of a route that this service has no part in are passed over",
            metadata: ["type": "\(type)", "route": "\(route)"])
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
            birth: StoreBirth(ports.store, clock: ports.clock),
            health: RuntimeHealth(clock: ports.clock),
            letters: DeadLetterReporter(clock: ports.clock, metrics: metrics, logger: logger),
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
        var birth: StoreBirth
        var health: RuntimeHealth
        var letters: DeadLetterReporter
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
        birth = shared.birth
        load = LoadQuestion(plan).map(LoadWatch.init)
        turns = Dictionary(
            plan.steps.compactMap { step in
                step.atMost.map { (step.name, TurnQueue(atMost: $0)) }
            }, uniquingKeysWith: { first, _ in first })
        let calling = plan.steps.compactMap { step in step.company.map { (step.name, $0.name) } }
        gates = Dictionary(calling) { first, _ in first }.compactMapValues { shared.gates[$0] }
    }
}
