/// The store of a participant of several routes, as the work on one of them sees it: it knows
/// sagas by their IDs, and the store by names that differ from route to route.
struct NamedSagaStore: SagaStore {
    let base: any SagaStore
    let naming: SagaNaming
    let route: String

    var records: any RecordReader { base.records }

    private func named(_ sagaID: String) -> String { naming.name(sagaID, on: route) }

    func apply(
        _ transition: StoreTransition, in epoch: StoreEpoch?
    ) async throws(SagaError) -> TransitionAnswer {
        var mark = transition.mark
        if let sagaID = mark?.sagaID { mark?.sagaID = named(sagaID) }
        let transition = StoreTransition(
            mark, changes: transition.changes.naming(named), events: transition.events)
        return try await base.apply(transition, in: epoch)
    }

    func ledger(of sagaID: String, fields: [String]) async throws(SagaError) -> LedgerLook {
        try await base.ledger(of: named(sagaID), fields: fields)
    }

    func ledgers(of questions: [(sagaID: String, fields: [String])]) async -> [LedgerLook?] {
        await base.ledgers(of: questions.map { (sagaID: named($0.sagaID), fields: $0.fields) })
    }

    func born() async throws(SagaError) -> Int64 { try await base.born() }

    func note(_ ends: SagaEndings, in epoch: StoreEpoch?) async throws(SagaError) {
        var endings = ends
        endings.ends = ends.ends.map { SagaEnd(named($0.sagaID), $0.news) }
        try await base.note(endings, in: epoch)
    }

    func declare(_ declaration: Declaration) async throws(SagaError) {
        try await base.declare(declaration)
    }

    func mayUndo(_ key: String, atMost limit: Int) async throws(SagaError) -> Bool {
        try await base.mayUndo(key, atMost: limit)
    }

    func keep(
        _ letter: DeadLetter, _ trace: DeadLetter.Trace?, in epoch: StoreEpoch?
    ) async throws(SagaError) -> [LedgerEntry] {
        var own = trace
        if let trace { own?.sagaID = named(trace.sagaID) }
        return try await base.keep(letter, own, in: epoch)
    }

    func name(ofLedger sagaID: String) -> String { base.name(ofLedger: named(sagaID)) }
}

/// The same for what it owes.
struct NamedSagaDebts: SagaDebts {
    let base: any SagaDebts
    let naming: SagaNaming
    let route: String

    private func named(_ sagaID: String) -> String { naming.name(sagaID, on: route) }

    func park(
        _ debt: Debt, _ trace: DeadLetter.Trace, for pause: Duration, in epoch: StoreEpoch?
    ) async throws(SagaError) -> Bool {
        var own = trace
        own.sagaID = named(trace.sagaID)
        return try await base.park(debt.of(named(debt.sagaID)), own, for: pause, in: epoch)
    }

    /// What is due is due on any route: names are left as they are.
    func takeDue(_ count: Int) async throws(SagaError) -> DueDebts {
        try await base.takeDue(count)
    }

    func settle(_ debt: Debt, isDone: Bool) async throws(SagaError) {
        try await base.settle(debt.of(named(debt.sagaID)), isDone: isDone)
    }

    func noteProgress(of sagaID: String) async throws(SagaError) {
        try await base.noteProgress(of: named(sagaID))
    }

    func isBlocked(
        _ sagaID: String, on route: String, at step: String, of participant: String
    ) async throws(SagaError) -> Bool {
        try await base.isBlocked(sagaID, on: route, at: step, of: participant)
    }

    func hurry() async throws(SagaError) { try await base.hurry() }

    func hurry(of sagaID: String) async throws(SagaError) {
        try await base.hurry(of: named(sagaID))
    }
}

extension SagaPorts {
    /// What the work on one route of several runs on.
    func on(_ route: String, of naming: SagaNaming) -> SagaPorts {
        var ports = self
        ports.store = NamedSagaStore(base: store, naming: naming, route: route)
        ports.debts = NamedSagaDebts(base: debts, naming: naming, route: route)
        return ports
    }
}
