package import Saga

/// One participant's ledgers and records in memory.
package struct MemorySagaStore: SagaStore {
    let server: MemoryServer
    let service: String
    let line: any MemoryLine

    package init(_ server: MemoryServer, service: String, line: any MemoryLine = SureLine()) {
        self.server = server
        self.service = service
        self.line = line
    }

    package var records: any RecordReader { MemoryRecords(store: self) }

    package func apply(
        _ transition: StoreTransition, in epoch: StoreEpoch?
    ) async throws(SagaError) -> TransitionAnswer {
        let name = transition.mark.map { "\($0.sagaID) \($0.field) -> \($0.next.state)" }
        let answer = try await line.carry("\(service) apply \(name ?? "")") {
            () throws(SagaError) in
            try server.change(in: epoch) { data throws(SagaError) in
                try data.apply(transition, of: service, at: server.clock.now)
            }
        }
        guard PlantedFault.isPlanted(.ledgerInASecondStep), case .applied = answer,
            !transition.events.isEmpty
        else { return answer }
        return try await apply(StoreTransition(transition.mark), in: epoch)
    }

    package func ledger(
        of sagaID: String, fields: [String]
    ) async throws(SagaError) -> LedgerLook {
        try await line.carry("\(service) ledger \(sagaID)") { look(sagaID, fields) }
    }

    package func ledgers(
        of questions: [(sagaID: String, fields: [String])]
    ) async -> [LedgerLook?] {
        let looks = try? await line.carry("\(service) ledgers \(questions.count)") {
            questions.map { look($0.sagaID, $0.fields) }
        }
        return looks ?? questions.map { _ in nil }
    }

    private func look(_ sagaID: String, _ fields: [String]) -> LedgerLook {
        let ledger = server.contents.ledger(service, sagaID)
        return LedgerLook(
            fields: fields, entries: fields.map { ledger[$0].map { LedgerEntry($0) } },
            form: KeyForm(rawValue: ledger[KeyForm.field] ?? "") ?? .named,
            born: server.contents.born[service] ?? 0)
    }

    package func born() async throws(SagaError) -> Int64 {
        try await line.carry("\(service) born") { server.contents.born[service] ?? 0 }
    }

    package func declare(_ declaration: Declaration) async throws(SagaError) {
        try server.change(rings: false) { $0.declared[service] = declaration }
    }

    package func mayUndo(_ key: String, atMost limit: Int) async throws(SagaError) -> Bool {
        try await line.carry("\(service) may undo \(key)") { () throws(SagaError) in
            try server.change { data throws(SagaError) in
                let now = server.clock.now
                var undone = (data.undone[service] ?? [:]).filter {
                    now - $0.value < .seconds(3600)
                }
                defer { data.undone[service] = undone }
                if undone[key] != nil { return true }
                guard undone.count < limit else { return false }
                undone[key] = now
                return true
            }
        }
    }

    package func note(
        _ endings: SagaEndings, in epoch: StoreEpoch?
    ) async throws(SagaError) {
        try await line.carry("\(service) ends \(endings.ends.count)") { () throws(SagaError) in
            try server.change(in: epoch) { data throws(SagaError) in
                for end in endings.ends { data.note(end, endings, of: service) }
            }
        }
    }

    package func keep(
        _ letter: DeadLetter, _ trace: DeadLetter.Trace?, in epoch: StoreEpoch?
    ) async throws(SagaError) -> [LedgerEntry] {
        try await line.carry("\(service) letter \(letter.reason.rawValue)") {
            () throws(SagaError) in
            try server.change(in: epoch) {
                $0.keep(letter, trace, of: service, at: server.clock.wallMilliseconds)
            }
        }
    }

    package func name(ofLedger sagaID: String) -> String { "\(service):\(sagaID)" }
}

/// Reads a participant's records in memory.
struct MemoryRecords: RecordReader {
    let store: MemorySagaStore

    func fields(of record: RecordName) async throws(SagaError) -> [String: String] {
        try await store.line.carry("\(store.service) read \(record)") { () throws(SagaError) in
            try hash(record)
        }
    }

    func fields(ofAll records: [RecordName]) async throws(SagaError) -> [[String: String]] {
        try await store.line.carry("\(store.service) read") { () throws(SagaError) in
            var all: [[String: String]] = []
            for record in records { all.append(try hash(record)) }
            return all
        }
    }

    func text(of record: RecordName) async throws(SagaError) -> String? {
        try await store.line.carry("\(store.service) read \(record)") { () throws(SagaError) in
            switch find(record) {
            case nil: return nil
            case .text(let text, _): return text
            case .hash, .index: throw fault(record)
            }
        }
    }

    func members(
        of index: RecordName, after: String?, limit: Int
    ) async throws(SagaError) -> [String] {
        try await store.line.carry("\(store.service) read \(index)") { () throws(SagaError) in
            switch find(index) {
            case nil: return []
            case .index(let scores):
                let members = scores.sorted { ($0.value, $0.key) > ($1.value, $1.key) }
                    .map(\.key)
                let first = after.flatMap { members.firstIndex(of: $0) }.map { $0 + 1 } ?? 0
                return Array(members.dropFirst(first).prefix(max(limit, 1)))
            case .hash, .text: throw fault(index)
            }
        }
    }

    private func find(_ record: RecordName) -> MemoryData.Record? {
        store.server.contents.record(store.service, record, at: store.server.clock.now)
    }

    private func hash(_ record: RecordName) throws(SagaError) -> [String: String] {
        switch find(record) {
        case nil: return [:]
        case .hash(let fields): return fields
        case .text, .index: throw fault(record)
        }
    }

    private func fault(_ record: RecordName) -> SagaError {
        SagaError(.unexpectedState, "\(record) has a type of its own")
    }
}
