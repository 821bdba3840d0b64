import Saga

/// What one participant owes, in memory.
struct MemoryDebts: SagaDebts {
    let server: MemoryServer
    let service: String
    let line: any MemoryLine

    func park(
        _ debt: Debt, _ trace: DeadLetter.Trace, for pause: Duration, in epoch: StoreEpoch?
    ) async throws(SagaError) -> Bool {
        try await change("park \(debt.sagaID) \(debt.step)", in: epoch) { data in
            data.park(
                debt, trace, of: service, since: server.clock.wallMilliseconds,
                until: server.clock.now + pause)
        }
    }

    func takeDue(_ count: Int) async throws(SagaError) -> DueDebts {
        try await change("debts") { data in
            let now = server.clock.now
            let open = data.open[service] ?? [:]
            let taken = open.filter { $0.value <= now }
                .sorted { ($0.value, $0.key) < ($1.value, $1.key) }.prefix(count).map(\.key)
            var due = DueDebts()
            for sagaID in taken {
                data.open[service]?[sagaID] = now + Debt.claim
                due.debts += data.debts(of: sagaID, service)
            }
            due.rest = data.open[service]?.values.min().map { max(.zero, $0 - now) }
            due.blocked = data.blocked[service]?.count ?? 0
            due.owing = data.open[service]?.count ?? 0
            due.asking = data.open[service]?.keys.count { data.asks($0, service) } ?? 0
            due.oldest = data.blocked[service]?.values.min()
            due.now = server.clock.wallMilliseconds
            return due
        }
    }

    func settle(_ debt: Debt, isDone: Bool) async throws(SagaError) {
        try await change("settle \(debt.sagaID) \(debt.step)") { data in
            data.settle(debt, isDone: isDone, of: service)
        }
    }

    func noteProgress(of sagaID: String) async throws(SagaError) {
        try await change("progress \(sagaID)") { data in
            guard data.ledger(service, sagaID)[LedgerEntry.blockedField] == nil else { return }
            data.blocked[service]?[sagaID] = nil
            if data.open[service]?[sagaID] != nil {
                data.open[service]?[sagaID] = server.clock.now
            }
        }
    }

    func isBlocked(
        _ sagaID: String, on route: String, at step: String, of participant: String
    ) async throws(SagaError) -> Bool {
        try await change("is \(sagaID) blocked at \(participant)") { data in
            let declared = data.declared[participant]?.route ?? ""
            let naming = SagaNaming(Declaration.routes(in: declared))
            let ledger = data.ledger(participant, naming.name(sagaID, on: route))
            return Debt.keeps(
                step, blocked: ledger[LedgerEntry.blockedField], owes: ledger[Debt.field])
        }
    }

    func hurry() async throws(SagaError) {
        try await change("hurry") { data in
            let now = server.clock.now
            data.open[service] = data.open[service]?.mapValues { min($0, now) }
        }
    }

    func hurry(of sagaID: String) async throws(SagaError) {
        try await change("hurry \(sagaID)") { data in
            guard data.open[service]?[sagaID] != nil else { return }
            data.open[service]?[sagaID] = server.clock.now
        }
    }

    private func change<Value: Sendable>(
        _ call: String, in epoch: StoreEpoch? = nil,
        _ body: (inout MemoryData) throws(SagaError) -> Value
    ) async throws(SagaError) -> Value {
        try await line.carry("\(service) \(call)") { () throws(SagaError) in
            try server.change(in: epoch, rings: false, body)
        }
    }
}

extension MemoryData {
    mutating func note(blocked sagaID: String, of service: String, since time: Int64) {
        let known = blocked[service]?[sagaID]
        blocked[service, default: [:]][sagaID] = known ?? time
    }

    fileprivate mutating func park(
        _ debt: Debt, _ trace: DeadLetter.Trace, of service: String, since time: Int64,
        until end: ContinuousClock.Instant
    ) -> Bool {
        _ = write(trace, of: service)
        let key = "\(service):\(debt.sagaID)"
        var ledger = ledgers[key] ?? [:]
        let known = ledger[Debt.field(of: debt.step)].flatMap {
            Debt(sagaID: debt.sagaID, step: debt.step, text: $0)
        }
        if known == nil || debt.tries > 1 {
            ledger[Debt.field(of: debt.step)] = "\(known?.since ?? time)" + debt.textAfterSince
            open[service, default: [:]][debt.sagaID] = end
        }
        if known == nil {
            ledger[Debt.field] = [ledger[Debt.field], debt.step].compactMap { $0 }
                .joined(separator: " ")
        }
        if ledger[LedgerEntry.blockedField] == nil, let blocked = trace.blocked {
            ledger[LedgerEntry.blockedField] = "\(blocked.step) \(blocked.eventID)"
        }
        ledgers[key] = ledger
        note(blocked: debt.sagaID, of: service, since: known?.since ?? time)
        return known == nil
    }

    fileprivate mutating func debts(of sagaID: String, _ service: String) -> [Debt] {
        let ledger = ledger(service, sagaID)
        let steps = ledger[Debt.field]?.split(separator: " ").map(String.init) ?? []
        let debts = steps.compactMap { step in
            ledger[Debt.field(of: step)].flatMap { Debt(sagaID: sagaID, step: step, text: $0) }
        }
        if debts.isEmpty { open[service]?[sagaID] = nil }
        if debts.isEmpty, ledger[LedgerEntry.blockedField] == nil {
            blocked[service]?[sagaID] = nil
        }
        return debts
    }

    fileprivate func asks(_ sagaID: String, _ service: String) -> Bool {
        let ledger = ledger(service, sagaID)
        return (ledger[Debt.field] ?? "").split(separator: " ").contains { step in
            ledger[Debt.field(of: String(step))].flatMap {
                Debt(sagaID: sagaID, step: String(step), text: $0)
            }?.question != nil
        }
    }

    fileprivate mutating func settle(_ debt: Debt, isDone: Bool, of service: String) {
        let key = "\(service):\(debt.sagaID)"
        guard var ledger = ledgers[key] else { return }
        ledger[Debt.field(of: debt.step)] = nil
        let rest = ledger[Debt.field]?.split(separator: " ").filter { $0 != debt.step } ?? []
        ledger[Debt.field] = rest.isEmpty ? nil : rest.joined(separator: " ")
        if rest.isEmpty { open[service]?[debt.sagaID] = nil }
        if isDone, ledger[LedgerEntry.blockedField].map({ LedgerEntry($0).state }) == debt.step {
            ledger[LedgerEntry.blockedField] = nil
        }
        if rest.isEmpty, ledger[LedgerEntry.blockedField] == nil {
            blocked[service]?[debt.sagaID] = nil
        }
        ledgers[key] = ledger
    }
}
