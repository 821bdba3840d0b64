package import Saga

extension MemoryServer {
    /// What one process of a participant runs on, with all of it on this server.
    ///
    /// - Parameters:
    ///   - line: what lies between the process and the server.
    ///   - executor: where the process's tasks run; nil for anywhere.
    ///   - isHeard: whether a doorbell arrives, asked for each.
    package func ports(
        of plan: ParticipantPlan, _ configuration: SagaRuntimeConfiguration,
        chance: any SagaChance = SystemSagaChance(), line: any MemoryLine = SureLine(),
        executor: (any TaskExecutor)? = nil,
        isHeard: @escaping @Sendable () -> Bool = { true }
    ) -> SagaPorts {
        SagaPorts(
            store: MemorySagaStore(self, service: plan.name, line: line),
            transport: MemoryTransport(
                self, plan: plan, configuration: configuration, executor: executor, line: line,
                isHeard: isHeard),
            timers: MemoryTimers(self, plan: plan, chance: chance, line: line),
            debts: MemoryDebts(server: self, service: plan.name, line: line), clock: clock,
            chance: chance)
    }
}
