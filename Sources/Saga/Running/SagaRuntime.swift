package import Logging
public import ServiceLifecycle
import Synchronization

/// Runs one participant on a store and a transport: on Redis, or in memory.
///
///     doorbell ─▶ StreamReader ─▶ Dispatcher ─▶ EntryWork ─▶ SagaStore ─▶ Acknowledger
///                 one per owner   a task a saga              atomic       one call for many
///
/// Beside that way stand `SuspectKeeper` (what was delivered before), `ConsumerKeeper` (its name,
/// and takeover), `TimerKeeper` (deadlines),
/// `DebtKeeper` (what could not be done yet) and `keepHouse` (cursors, trimming, lag). All of them
/// survive the loss of the store and go on when it is back.
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
    private let ports: SagaPorts
    private let configuration: SagaRuntimeConfiguration
    private let acknowledger: Acknowledger
    private let dispatcher: Dispatcher
    private let epochs: EpochWatch
    private let pause: Pause
    private let readers: [StreamReader]
    private let suspects: SuspectKeeper
    private let consumers: ConsumerKeeper
    private let isStopping = Mutex(false)
    private let hasDeclared = Atomic(false)
    private let logger: Logger

    /// A runtime on any store, which does nothing before `run()`; beginning and reading sagas
    /// works at once.
    ///
    /// - Parameter makePorts: makes what it runs on, for the configuration in use.
    /// - Throws: `invalidConfiguration`, listing every fault.
    package init(
        _ plan: ParticipantPlan, configuration: SagaRuntimeConfiguration, logger: Logger,
        on makePorts: (SagaRuntimeConfiguration, Logger) -> SagaPorts
    ) throws(SagaError) {
        let configuration = try configuration.checked(for: plan)
        var logger = logger
        logger[metadataKey: "service"] = "\(plan.name)"
        let ports = makePorts(configuration, logger)
        let metrics = SagaMetrics(service: plan.name)
        let transport = ports.transport
        name = plan.name
        environment = WorkEnvironment(
            plan: plan, ports: ports, configuration: configuration, metrics: metrics,
            logger: logger)
        let transitions = environment.transitions
        store = RecordStore(transitions)
        self.ports = ports
        self.configuration = configuration
        self.logger = logger
        acknowledger = Acknowledger(transport: transport, clock: ports.clock)
        let conclusion = EntryConclusion(environment: environment)
        dispatcher = Dispatcher(
            concurrency: configuration.concurrency, parkedMaximum: configuration.parkedMaximum,
            bytesMaximum: 4 * configuration.readBytesMaximum,
            executor: transport.executor, clock: ports.clock,
            pulse: max(.seconds(2), configuration.drainInterval * 2), streams: transport.streams,
            epoch: { transport.epoch() },
            work: { await conclusion.work($0, $1) },
            acknowledge: { [acknowledger] in acknowledger.add($0) })
        epochs = EpochWatch(transport: transport, dispatcher: dispatcher, logger: logger)
        pause = Pause(transport, metrics, logger)
        suspects = SuspectKeeper(
            ports, dispatcher: dispatcher, acknowledger: acknowledger, pause: pause,
            configuration: configuration, health: transitions.health)
        readers = Set(transport.streams.map(\.owner)).sorted().map {
            [dispatcher, epochs, pause, suspects, environment, acknowledger] owner in
            StreamReader(
                owner: owner, ports: ports, dispatcher: dispatcher, epochs: epochs, pause: pause,
                suspects: suspects, bytesMaximum: configuration.readBytesMaximum,
                ends: EndWriter(environment: environment),
                acknowledge: { acknowledger.add($0) },
                health: transitions.health, logger: logger)
        }
        consumers = ConsumerKeeper(
            ports, dispatcher: dispatcher, suspects: suspects, pause: pause,
            configuration: configuration, health: transitions.health, logger: logger)
    }

    /// Runs until graceful shutdown or cancellation.
    ///
    /// Then nothing new is read, running handlers may finish within `stopLimit`, what they
    /// did is acknowledged; everything else stays pending for the next process.
    ///
    /// - Throws: `invalidConfiguration` if this store can never be used, as a Redis too old.
    public func run() async throws {
        try await withTaskCancellationOrGracefulShutdownHandler {
            try await prepare()
            await withTaskExecutorPreference(ports.transport.executor) {
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

    /// What is wrong although it does its work, in sentences that are safe to show.
    ///
    /// Such are handlers that have gone on for ten seconds after they were cancelled: others have
    /// their slots by then. Once as many do so as there are slots, it is a fault.
    public var impairments: [String] { environment.transitions.health.impairments }

    /// How many events are worked on now; those that wait to be tried again do not count.
    package var activeCount: Int { dispatcher.activeCount }

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
        suspects.bell.ring()
        acknowledger.wake()
    }

    /// Makes the groups, however long Redis takes to come.
    private func prepare() async throws(SagaError) {
        var failures = 0
        while isRunning {
            do {
                _ = try await environment.birth.ask()
                try await ports.transport.prepare()
                try await consumers.claim()
                _ = await pause.look()
                await declare()
                logger.info(
                    "saga runtime started",
                    metadata: [
                        "streams": .stringConvertible(environment.streams.count),
                        "consumer": "\(ports.transport.consumer)",
                    ])
                return
            } catch {
                if error.code == .invalidConfiguration { throw error }
                failures += 1
                logger.warning(
                    "consumer groups cannot be made yet",
                    metadata: ["error": "\(error)", "failures": .stringConvertible(failures)])
                try? await ports.clock.sleep(for: .milliseconds(min(50 << min(failures, 4), 800)))
            }
        }
    }

    /// Notes what it declares, for gateways and people; nothing else waits for that.
    private func declare() async {
        guard !hasDeclared.load(ordering: .relaxed) else { return }
        do {
            try await ports.store.declare(Declaration(environment.plan))
            hasDeclared.store(true, ordering: .relaxed)
        } catch {
            warnOnce("what the service declares cannot be noted", of: "", ["error": "\(error)"])
        }
    }

    private func addLoops(to group: inout DiscardingTaskGroup) {
        let isRunning: @Sendable () -> Bool = { self.isRunning }
        for reader in readers {
            group.addTask { await reader.listen(while: isRunning) }
            group.addTask(executorPreference: ports.transport.readingExecutor) {
                await reader.run(while: isRunning)
            }
        }
        group.addTask { [acknowledger] in await acknowledger.run(while: isRunning) }
        group.addTask { await self.tick(while: isRunning) }
        group.addTask { await self.watchEpoch(while: isRunning) }
        group.addTask(executorPreference: ports.transport.readingExecutor) {
            [suspects, readers] in await suspects.run(through: readers, while: isRunning)
        }
        group.addTask { [consumers] in await consumers.run(while: isRunning) }
        group.addTask { await self.keepHouse(while: isRunning) }
        let debts = DebtKeeper(environment, dispatcher, pause, logger)
        group.addTask { await debts.run(while: isRunning) }
        for reconciler in reconcilers {
            group.addTask { await reconciler.run(while: isRunning) }
        }
        guard environment.plan.lifecycle != nil else { return }
        group.addTask { await self.listenForEnds(while: isRunning) }
        let timers = TimerKeeper(
            timers: ports.timers, pause: pause, clock: ports.clock, metrics: environment.metrics,
            letters: environment.letters, health: environment.transitions.health, logger: logger)
        group.addTask { await timers.run(while: isRunning) }
    }

    /// One for each step of whatever route that has books.
    var reconcilers: [Reconciler] {
        environment.onEachRoute.flatMap { environment in
            environment.plan.steps.compactMap { Reconciler($0, environment) }
        }
    }

    /// Has done what has to be done now and then, and shows the lag of each stream.
    private func keepHouse(while isRunning: @Sendable () -> Bool) async {
        while isRunning() {
            guard (try? await ports.clock.sleep(for: configuration.housekeepingInterval)) != nil,
                isRunning()
            else { return }
            await declare()
            do {
                show(try await ports.transport.keepHouse())
            } catch {
                warnOnce("housekeeping failed", of: "", ["error": "\(error)"])
            }
        }
    }

    private func show(_ report: HousekeepingReport) {
        for (stream, lag) in zip(environment.streams, report.lags) {
            if let lag { environment.metrics.lag(lag, of: stream.type) }
        }
        environment.metrics.forgotten(report.forgotten.count)
        for found in report.forgotten {
            warnOnce(
                "a group keeps entries older than retention", of: "\(found.stream) \(found.group)",
                ["stream": "\(found.stream)", "group": "\(found.group)"])
        }
        for (key, error) in report.faults {
            warnOnce(
                "housekeeping failed for a key", of: key, ["key": "\(key)", "error": "\(error)"])
        }
    }

    /// Warns of what lasts, now and then.
    private func warnOnce(
        _ text: Logger.Message, of subject: String, _ metadata: Logger.Metadata
    ) {
        guard environment.transitions.health.isNews("\(text) \(subject)") else { return }
        logger.warning(text, metadata: metadata)
    }

    /// Rings all bells now and then, in place of doorbells that were lost.
    private func tick(while isRunning: @Sendable () -> Bool) async {
        while isRunning() {
            guard (try? await ports.clock.sleep(for: configuration.drainInterval)) != nil else {
                return
            }
            for reader in readers where !PlantedFault.isPlanted(.doorbellTrusted) {
                reader.bell.ring()
            }
            suspects.bell.ring()
            acknowledger.wake()
            environment.letters.tell()
            for lane in dispatcher.cancelOverdue() {
                logger.warning(
                    "a handler takes too long and is cancelled", metadata: ["saga": "\(lane)"])
            }
            lendSlots()
        }
    }

    /// Has the slots of handlers given to others that ignore that they were cancelled.
    private func lendSlots() {
        let deaf = dispatcher.lendSlots()
        environment.metrics.deaf(deaf)
        environment.transitions.health.deaf(deaf)
        for lane in deaf.new {
            logger.error(
                "a handler goes on although it was cancelled; what it holds is lent to others",
                metadata: ["saga": "\(lane)"])
        }
    }

    /// Looks now and then whether Redis still holds the data that was read from it.
    private func watchEpoch(while isRunning: @Sendable () -> Bool) async {
        while isRunning() {
            guard (try? await ports.clock.sleep(for: configuration.drainInterval)) != nil else {
                return
            }
            if await pause.look() { for reader in readers { reader.bell.ring() } }
            await ports.transport.checkEpoch()
            epochs.follow()
            _ = try? await environment.birth.ask()
        }
    }

    private func finish() async {
        let alarm = Task(executorPreference: ports.transport.executor) {
            [dispatcher, configuration, ports] in
            guard (try? await ports.clock.sleep(for: configuration.stopLimit)) != nil else {
                return
            }
            dispatcher.cancelAll()
        }
        await dispatcher.drain()
        alarm.cancel()
        await Task(executorPreference: ports.transport.executor) { [acknowledger] in
            // Also where this task was cancelled: what is done is not to be delivered again.
            _ = await acknowledger.flush()
        }.value
        environment.letters.tellAll()
        await consumers.release()
    }
}
