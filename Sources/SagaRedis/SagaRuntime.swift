import CloudEvents
public import Logging
public import Redis
public import Saga
public import ServiceLifecycle
import Synchronization

/// Runs one participant on Redis.
///
///     doorbell ─▶ StreamReader ─▶ Dispatcher ─▶ EntryWork ─▶ TransitionScript ─▶ Acknowledger
///                      one per owner   one task per saga   one script          one XACK for many
///
/// Beside that way stand `LeaseKeeper` (renewal and takeover), `TimerKeeper` (deadlines) and
/// `Housekeeper` (cursors, trimming, lag). All of them survive the loss of Redis and go on
/// when it is back.
///
/// Several replicas of a service may run, each with a consumer name of its own.
public final class SagaRuntime: Service {
    /// The participant's name.
    public let name: String
    /// The participant's own records, and its local transactions outside a step.
    public let store: RecordStore
    /// Reads the participant's own records.
    public var records: any RecordReader { store.reader }

    let environment: WorkEnvironment
    let names: SagaKeys
    private let redis: RedisClient
    private let configuration: SagaRuntimeConfiguration
    private let emitted: [String]
    private let group: ConsumerGroup
    private let acknowledger: Acknowledger
    private let dispatcher: Dispatcher
    private let epochs: EpochWatch
    private let readers: [StreamReader]
    private let isStopping = Mutex(false)
    private let logger: Logger

    /// A runtime, which does nothing before `run()`; beginning and reading sagas works at once.
    ///
    /// - Throws: `invalidDefinition` or `invalidConfiguration`, listing every fault.
    public init(
        _ participant: Participant, redis: RedisClient,
        configuration: SagaRuntimeConfiguration = SagaRuntimeConfiguration(), logger: Logger
    ) throws(SagaError) {
        let plan = try ParticipantPlan(participant)
        var configuration = configuration
        configuration.shortestDeadline = [
            configuration.shortestDeadline, plan.lifecycle?.deadline,
        ].compactMap { $0 }.min()
        try configuration.validate()
        var logger = logger
        logger[metadataKey: "service"] = "\(plan.name)"
        let names = SagaKeys(namespace: configuration.namespace)
        let streams = ConsumedStream.all(of: plan, names: names)
        let metrics = SagaMetrics(service: plan.name)
        let transitions = TransitionWriter(
            redis: redis, service: plan.name, names: names,
            ledgerTimeToLive: configuration.ledgerTimeToLive, metrics: metrics)
        name = plan.name
        store = RecordStore(transitions)
        environment = WorkEnvironment(
            plan: plan, streams: streams, transitions: transitions,
            records: RedisRecordReader(redis: redis, keys: names, service: plan.name),
            configuration: configuration, metrics: metrics, logger: logger,
            waiters: OutcomeWaiters())
        self.names = names
        self.redis = redis
        self.configuration = configuration
        self.logger = logger
        emitted = Array(
            Set(participant.emitted.map(\.type)).union(
                plan.consumed.values.filter { $0.kind.owner == plan.name }.map(\.kind.type))
        ).sorted()
        group = ConsumerGroup(redis: redis, service: plan.name, names: names, logger: logger)
        acknowledger = Acknowledger(
            redis: redis, group: plan.name, streams: streams, logger: logger)
        let office = EntryOffice(environment: environment)
        dispatcher = Dispatcher(
            concurrency: configuration.concurrency, parkedMaximum: configuration.parkedMaximum,
            executor: redis.executor, epoch: { redis.followEpoch() },
            work: { await office.work($0, $1) },
            acknowledge: { [acknowledger] in acknowledger.add($0) })
        epochs = EpochWatch(redis: redis, dispatcher: dispatcher, logger: logger)
        let ledgers = LedgerReader(redis: redis, names: transitions.keys, streams: streams)
        readers = Set(streams.map(\.owner)).sorted().map { [group, dispatcher, epochs] owner in
            StreamReader(
                owner: owner, streams: streams, redis: redis, group: group, ledgers: ledgers,
                dispatcher: dispatcher, epochs: epochs, configuration: configuration,
                health: transitions.health, logger: logger)
        }
    }

    /// Runs until graceful shutdown or cancellation.
    ///
    /// Then nothing new is read, running handlers may finish within `stopLimit`, what they
    /// did is acknowledged; everything else stays pending for the next process.
    ///
    /// - Throws: `invalidConfiguration` if this Redis is too old.
    public func run() async throws {
        try await withTaskCancellationOrGracefulShutdownHandler {
            try await prepare()
            await withTaskExecutorPreference(redis.executor) {
                await withDiscardingTaskGroup { group in
                    addLoops(to: &group)
                    await waitForStop()
                    await finish()
                    group.cancelAll()
                }
            }
        } onCancelOrGracefulShutdown: {
            self.stop()
        }
        logger.info("saga runtime stopped")
    }

    /// What keeps it from doing its work, in sentences that are safe to show; empty if nothing
    /// does.
    ///
    /// Messages that Redis refuses to publish, and transitions left half written, count at once;
    /// reads, transitions and requests once they have failed for five seconds. What is heard of
    /// no more is forgotten after fifteen.
    public var faults: [String] { environment.transitions.health.faults() }

    private var isRunning: Bool { !isStopping.withLock { $0 } }

    private let stopBell = Bell()

    private func waitForStop() async {
        while isRunning { await stopBell.awaitRing() }
    }

    private func stop() {
        isStopping.withLock { $0 = true }
        stopBell.ring()
        dispatcher.stop()
        for reader in readers { reader.bell.ring() }
        acknowledger.wake()
    }

    /// Makes the groups, however long Redis takes to come.
    private func prepare() async throws(SagaError) {
        var failures = 0
        while isRunning {
            do {
                try await ServerVersion.check(redis)
                try await group.ensure(on: environment.streams)
                logger.info(
                    "saga runtime started",
                    metadata: [
                        "streams": .stringConvertible(environment.streams.count),
                        "consumer": "\(configuration.consumerName)",
                    ])
                return
            } catch {
                if error.code == .invalidConfiguration { throw error }
                failures += 1
                logger.warning(
                    "consumer groups cannot be made yet",
                    metadata: ["error": "\(error)", "failures": .stringConvertible(failures)])
                try? await Task.sleep(for: .milliseconds(min(50 << min(failures, 4), 800)))
            }
        }
    }

    private func addLoops(to group: inout DiscardingTaskGroup) {
        let isRunning: @Sendable () -> Bool = { self.isRunning }
        for reader in readers {
            group.addTask { await reader.listen(while: isRunning) }
            // Reading events is work for another core; only their answers belong on the loop.
            group.addTask(executorPreference: globalConcurrentExecutor) {
                await reader.run(while: isRunning)
            }
        }
        group.addTask { [acknowledger] in await acknowledger.run(while: isRunning) }
        group.addTask { await self.tick(while: isRunning) }
        group.addTask { await self.watchEpoch(while: isRunning) }
        let leases = LeaseKeeper(
            redis: redis, service: name, streams: environment.streams, dispatcher: dispatcher,
            configuration: configuration, logger: logger)
        group.addTask { await leases.run(while: isRunning) }
        let housekeeper = Housekeeper(
            redis: redis, service: name, names: names, consumed: environment.streams,
            emitted: emitted, group: self.group, configuration: configuration,
            metrics: environment.metrics, logger: logger)
        group.addTask { await housekeeper.run(while: isRunning) }
        guard environment.plan.lifecycle != nil else { return }
        group.addTask { await self.listenForEnds(while: isRunning) }
        let timers = TimerKeeper(
            redis: redis, service: name, names: names, route: environment.plan.route,
            letterTimeToLive: configuration.ledgerTimeToLive, metrics: environment.metrics,
            health: environment.transitions.health, logger: logger)
        group.addTask { await timers.run(while: isRunning) }
    }

    /// Rings all bells now and then, in place of doorbells that were lost.
    private func tick(while isRunning: @Sendable () -> Bool) async {
        while isRunning() {
            guard (try? await Task.sleep(for: configuration.drainInterval)) != nil else { return }
            for reader in readers { reader.bell.ring() }
            acknowledger.wake()
            for lane in dispatcher.cancelOverdue() {
                logger.warning(
                    "a handler takes too long and is cancelled", metadata: ["saga": "\(lane)"])
            }
        }
    }

    /// Looks now and then whether Redis still holds the data that was read from it.
    private func watchEpoch(while isRunning: @Sendable () -> Bool) async {
        while isRunning() {
            guard (try? await Task.sleep(for: configuration.drainInterval)) != nil else { return }
            await redis.checkEpoch()
            epochs.follow()
        }
    }

    private func finish() async {
        let alarm = Task { [dispatcher, configuration] in
            guard (try? await Task.sleep(for: configuration.stopLimit)) != nil else { return }
            dispatcher.cancelAll()
        }
        await dispatcher.drain()
        alarm.cancel()
        _ = await acknowledger.flush()
    }
}
