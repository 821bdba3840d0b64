/// What one participant runs on.
package struct SagaPorts: Sendable {
    package var store: any SagaStore
    package var transport: any EventTransport
    package var timers: any SagaTimers
    package var debts: any SagaDebts
    package var clock: any SagaClock
    package var chance: any SagaChance

    package init(
        store: any SagaStore, transport: any EventTransport, timers: any SagaTimers,
        debts: any SagaDebts,
        clock: any SagaClock = SystemSagaClock(), chance: any SagaChance = SystemSagaChance()
    ) {
        self.store = store
        self.transport = transport
        self.timers = timers
        self.debts = debts
        self.clock = clock
        self.chance = chance
    }
}
