import Logging
import Saga
import Synchronization

/// One process of a participant, which may stand still or die at any call, and is started again.
final class SimulatedProcess: Sendable {
    private struct State {
        var life = 0
        /// How often it came back under another name.
        var renamed = 0
        var runtime: SagaRuntime?
        var line: SimulatedLine?
        var task: Task<Void, Never>?
    }

    let name: String
    private let plan: ParticipantPlan
    private let simulation: Simulation
    private let configuration: SagaRuntimeConfiguration
    private let state = Mutex(State())

    init(_ plan: ParticipantPlan, number: Int, in simulation: Simulation) {
        self.plan = plan
        self.simulation = simulation
        name = "\(plan.name)/\(number)"
        var configuration = simulation.configuration
        configuration.consumerName = name
        configuration.handlerExecutor = .onConnection
        self.configuration = configuration
    }

    /// The runtime that lives now; nil while there is none.
    var runtime: SagaRuntime? { state.withLock { $0.runtime } }

    var participant: String { plan.name }

    func start() throws {
        let isRenamed = simulation.happens { $0.renamings }
        let configuration = state.withLock { state in
            if isRenamed { state.renamed += 1 }
            var configuration = self.configuration
            if state.renamed > 0 { configuration.consumerName += "/\(state.renamed)" }
            return configuration
        }
        let line = SimulatedLine(simulation, caller: self)
        let runtime = try SagaRuntime(
            plan, configuration: configuration,
            logger: Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }
        ) { [plan, simulation] settings, _ in
            simulation.server.ports(
                of: plan, settings, chance: simulation.chance, line: line,
                executor: simulation.executor,
                isHeard: { !simulation.happens { $0.lostDoorbell } })
        }
        let task = Task(executorPreference: simulation.executor) {
            _ = try? await runtime.run()
        }
        state.withLock { state in
            state.life += 1
            state.runtime = runtime
            state.line = line
            state.task = task
        }
        simulation.trace.note("\(name) starts as \(configuration.consumerName)")
    }

    /// Dies: nothing that it does from now on has an effect on the store.
    func crash(_ cause: String) {
        let task = state.withLock { state -> Task<Void, Never>? in
            guard state.runtime != nil else { return nil }
            state.line?.cut()
            state.runtime = nil
            state.line = nil
            defer { state.task = nil }
            return state.task
        }
        guard let task else { return }
        task.cancel()
        simulation.trace.note("\(name) dies: \(cause)")
        simulation.restart(self)
    }

    /// Stands still for a while.
    func pause(for duration: Duration) {
        state.withLock { $0.line }?.hold(until: simulation.clock.now + duration)
        simulation.trace.note("\(name) stands still for \(duration)")
    }

    /// Ends as it is asked to, and is started again if that is wanted.
    func stop(restarts: Bool = false) async {
        let task = state.withLock { state in
            state.runtime = nil
            defer { state.task = nil }
            return state.task
        }
        guard let task else { return }
        simulation.trace.note("\(name) is stopped")
        task.cancel()
        await task.value
        simulation.trace.note("\(name) has ended")
        if restarts { simulation.restart(self) }
    }
}
