package import Saga

/// The atomic step, as `SagaStore` promises it.
extension MemoryData {
    /// Applies a transition of a service, or nothing of it.
    package mutating func apply(
        _ transition: StoreTransition, of service: String, at now: ContinuousClock.Instant
    ) throws(SagaError) -> TransitionAnswer {
        if PlantedFault.isPlanted(.ledgersExpireAtBirth) { dropLedgers(at: now) }
        if let mark = transition.mark, let answer = try held(mark, service),
            !PlantedFault.isPlanted(.noLedger)
        {
            return answer
        }
        for condition in transition.changes.conditions
        where !PlantedFault.isPlanted(.conditionsUnchecked) {
            let holds = try holds(condition, service, now)
            if !holds, PlantedFault.isPlanted(.writesBeforeChecks) {
                for write in transition.changes.writes { try self.write(write, service, now) }
            }
            if !holds { return .rejected(condition.failure) }
        }
        var changed = self
        for write in transition.changes.writes { try changed.write(write, service, now) }
        for event in transition.events { changed.append(event, owner: service) }
        if let mark = transition.mark,
            transition.events.isEmpty || !PlantedFault.isPlanted(.ledgerInASecondStep)
        {
            changed.set(mark, service)
        }
        self = changed
        return .applied
    }

    /// Drops ledgers some seconds after their birth, as a planted fault has it.
    private mutating func dropLedgers(at now: ContinuousClock.Instant) {
        for name in ledgers.keys {
            let birth = ledgerBirths[name, default: now]
            ledgerBirths[name] = birth
            if now - birth > .seconds(5) { ledgers[name] = nil }
        }
    }

    /// What the ledger answers if it holds something else than expected.
    private func held(
        _ mark: StoreTransition.Mark, _ service: String
    ) throws(SagaError) -> TransitionAnswer? {
        let text = ledger(service, mark.sagaID)[mark.field] ?? ""
        let entry = LedgerEntry(text)
        let isExpected =
            mark.expectedText.map { $0 == text }
            ?? (text.isEmpty ? mark.expected.isEmpty : entry.state == mark.expected)
        guard isExpected else {
            if entry.eventID == mark.next.eventID, entry.stateBeforeHalf != nil {
                throw SagaError(.halfApplied, "it failed after the first write of an earlier run")
            }
            return entry == mark.next ? .applied : .refused(entry)
        }
        return nil
    }

    private mutating func set(_ mark: StoreTransition.Mark, _ service: String) {
        var ledger = ledger(service, mark.sagaID)
        let before = ledger[mark.field] ?? ""
        ledger[mark.field] = mark.next.text
        if mark.form != .sagaAndStep { ledger[KeyForm.field] = mark.form.rawValue }
        let blocked = ledger[LedgerEntry.blockedField].map { LedgerEntry($0).state }
        if !before.isEmpty, blocked == mark.field { ledger[LedgerEntry.blockedField] = nil }
        if let end = mark.end { ledger[LedgerEnd.field] = end.text }
        ledgers["\(service):\(mark.sagaID)"] = ledger
        let end = ledger[LedgerEnd.field].flatMap { LedgerEnd($0) }
        let hasEnded = end == .completed || end == .cancelled
        if mark.isLast || hasEnded, ledger[LedgerEntry.blockedField] == nil {
            ending.insert("\(service):\(mark.sagaID)")
        } else {
            ending.remove("\(service):\(mark.sagaID)")
        }
    }

    /// Notes how a saga ends, as `SagaStore.note` promises.
    mutating func note(_ end: SagaEnd, _ endings: SagaEndings, of service: String) {
        let key = "\(service):\(end.sagaID)"
        let isLate = ledgers[key] == nil && endings.mayComeLate
        guard var ledger = ledgers[key] ?? (isLate ? [:] : nil) else { return }
        guard let next = end.end(over: ledger[LedgerEnd.field].flatMap { LedgerEnd($0) })
        else { return }
        ledger[LedgerEnd.field] = next.text
        ledgers[key] = ledger
        if case .awaiting = next { return }
        if let timer = endings.timer { timers[service]?["\(timer) \(end.sagaID)"] = nil }
        let isKept =
            ledger[LedgerEntry.blockedField] != nil || ledger[Debt.field] != nil
            || endings.steps.contains {
                ledger[$0].map { LedgerEntry($0).state } == LedgerEntry.unknown
            }
        if !isKept { ending.insert(key) }
    }

    // MARK: - Conditions

    private func holds(
        _ condition: Changes.Condition, _ service: String, _ now: ContinuousClock.Instant
    ) throws(SagaError) -> Bool {
        let record = record(service, condition.record, at: now)
        switch condition.test {
        case .absent: return record == nil
        case .exists: return record != nil
        case .fieldAtLeast(let field, let least):
            let value = try Self.fields(record, condition.record)[field] ?? "0"
            return Int(value).map { $0 >= least } ?? false
        case .fieldEquals(let field, let value):
            return try Self.fields(record, condition.record)[field] == value
        }
    }

    private static func fields(
        _ record: Record?, _ name: RecordName
    ) throws(SagaError) -> [String: String] {
        switch record {
        case nil: return [:]
        case .hash(let fields): return fields
        case .text, .index: throw fault(name)
        }
    }

    private static func members(
        _ record: Record?, _ name: RecordName
    ) throws(SagaError) -> [String: Double] {
        switch record {
        case nil: return [:]
        case .index(let members): return members
        case .text, .hash: throw fault(name)
        }
    }

    private static func fault(_ name: RecordName) -> SagaError {
        SagaError(.unexpectedState, "\(name) has a type of its own")
    }

    // MARK: - Writes

    private mutating func write(
        _ write: Changes.Write, _ service: String, _ now: ContinuousClock.Instant
    ) throws(SagaError) {
        switch write {
        case .setFields(let name, let new):
            var fields = try Self.fields(record(service, name, at: now), name)
            fields.merge(new) { $1 }
            set(service, name, .hash(fields))
        case .removeFields(let name, let gone):
            var fields = try Self.fields(record(service, name, at: now), name)
            for field in gone { fields[field] = nil }
            set(service, name, fields.isEmpty ? nil : .hash(fields))
        case .increment(let name, let field, let amount):
            var fields = try Self.fields(record(service, name, at: now), name)
            guard let value = Int(fields[field] ?? "0"),
                case let (sum, overflows) = value.addingReportingOverflow(amount), !overflows
            else { throw SagaError(.unexpectedState, "\(field) of \(name) is not a number") }
            fields[field] = "\(sum)"
            set(service, name, .hash(fields))
        case .setText(let name, let text, let life):
            set(service, name, .text(text, until: life.map { now + $0 }))
        case .delete(let name):
            set(service, name, nil)
        case .addMember(let name, let member, let score):
            var members = try Self.members(record(service, name, at: now), name)
            members[member] = score
            set(service, name, .index(members))
        case .removeMember(let name, let member):
            var members = try Self.members(record(service, name, at: now), name)
            members[member] = nil
            set(service, name, members.isEmpty ? nil : .index(members))
        case .setTimer(let sagaID, let event, let delay):
            timers[service, default: [:]]["\(event) \(sagaID)"] = now + delay
        case .cancelTimer(let sagaID, let event):
            timers[service]?["\(event) \(sagaID)"] = nil
        }
    }

    // MARK: - Dead letters

    /// Keeps a letter, and what the ledger has to say of it.
    package mutating func keep(
        _ letter: DeadLetter, _ trace: DeadLetter.Trace?, of service: String, at time: Int64
    ) -> [LedgerEntry] {
        let known = letters[service]?.contains {
            $0.letter.id == letter.id && $0.letter.stream == letter.stream
        }
        if known != true {
            letters[service, default: []].append(Letter(letter: letter, sagaID: trace?.sagaID))
        }
        guard let trace else { return [] }
        let found = write(trace, of: service)
        guard let blocked = trace.blocked else { return found }
        ledgers["\(service):\(trace.sagaID)", default: [:]][LedgerEntry.blockedField] =
            "\(blocked.step) \(blocked.eventID)"
        note(blocked: trace.sagaID, of: service, since: time)
        return found
    }

    /// Writes what may have been done, and returns what stood there before.
    mutating func write(_ trace: DeadLetter.Trace, of service: String) -> [LedgerEntry] {
        var ledger = ledger(service, trace.sagaID)
        var found: [LedgerEntry] = []
        for mark in trace.unknown {
            let text = ledger[mark.step] ?? ""
            let entry = LedgerEntry(text)
            if entry.state == mark.expected {
                ledger[mark.step] = mark.entry.text
                if text.isEmpty, trace.form != .sagaAndStep {
                    ledger[KeyForm.field] = trace.form.rawValue
                }
            }
            found.append(entry)
        }
        ledgers["\(service):\(trace.sagaID)"] = ledger.isEmpty ? nil : ledger
        return found
    }
}
