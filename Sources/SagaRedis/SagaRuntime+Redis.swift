public import Logging
public import Saga
public import TroupeRedis

extension SagaRuntime {
    /// A participant's runtime on Redis, which does nothing before `run()`; beginning and reading
    /// sagas works at once.
    ///
    /// Several replicas of a service may run, each with a consumer name of its own.
    ///
    /// - Throws: `invalidDefinition` or `invalidConfiguration`, listing every fault.
    public convenience init(
        _ participant: Participant, redis: RedisClient,
        configuration: SagaRuntimeConfiguration = SagaRuntimeConfiguration(), logger: Logger
    ) throws(SagaError) {
        let plan = try ParticipantPlan(participant)
        let kinds = plan.consumedKinds
        let owned = kinds.filter { $0.owner == plan.name }
        let emitted = Set(plan.emittedKinds.map(\.type)).union(owned.map(\.type)).sorted()
        try self.init(plan, configuration: configuration, logger: logger) { settings, logger in
            let names = SagaKeys(namespace: settings.namespace)
            let epochs = EpochCheck(redis)
            return SagaPorts(
                store: RedisSagaStore(
                    redis: redis, service: plan.name, names: names,
                    ledgerTimeToLive: settings.ledgerTimeToLive, epochs: epochs,
                    streams: kinds.map { names.stream($0.type, owner: $0.owner) },
                    naming: plan.naming,
                    hasOneField: plan.onEachRoute.allSatisfy {
                        $0.steps.count + ($0.lifecycle == nil ? 0 : 1) <= 1
                    }),
                transport: RedisTransport(
                    plan, emitted: emitted, redis: redis, names: names, configuration: settings,
                    epochs: epochs, logger: logger),
                timers: RedisTimers(
                    plan, redis: redis, names: names,
                    letterTimeToLive: settings.ledgerTimeToLive),
                debts: RedisDebts(
                    redis: redis, service: plan.name, names: names,
                    ledgerTimeToLive: settings.ledgerTimeToLive, hearsEnds: plan.hearsEnds,
                    naming: plan.naming))
        }
    }
}

extension RecordStore {
    /// The records of a service on Redis.
    ///
    /// - Parameters:
    ///   - service: the service's name, the hash tag of its keys.
    ///   - namespace: as in the runtime's configuration.
    public init(service: String, redis: RedisClient, namespace: String = "") {
        self.init(
            service: service,
            store: RedisSagaStore(
                redis: redis, service: service, names: SagaKeys(namespace: namespace),
                ledgerTimeToLive: .seconds(1), naming: SagaNaming([])))
    }
}
