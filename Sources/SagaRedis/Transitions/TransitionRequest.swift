import CloudEvents
import Redis
import Saga

/// One run of the transition script, as keys and arguments.
struct TransitionRequest {
    /// What happened to a run.
    enum Answer: Hashable {
        case applied
        /// The ledger held something else.
        case refused(LedgerEntry)
        /// A condition did not hold.
        case rejected(BusinessFailure)
    }

    /// A ledger field, what it has to hold and what it is to hold.
    struct Mark {
        var sagaID: String
        var field: String
        var expected: String
        var next: LedgerEntry
    }

    private(set) var keys: [String] = []
    private(set) var arguments: [RedisArgument] = []
    /// Types of the events that go out, for counting.
    let emitted: [String]
    private var checks: [(kind: RedisArgument, key: Int, one: String, other: String)] = []
    private var failures: [BusinessFailure?] = []
    private var isFirstWrite = true
    private let mark: Mark?
    private let names: ServiceKeys

    init(
        _ mark: Mark?, changes: Changes, events: [CloudEvent], names: ServiceKeys,
        ledgerTimeToLive: Duration
    ) {
        self.mark = mark
        self.names = names
        emitted = events.map(\.type)
        keys.reserveCapacity(4)
        arguments.reserveCapacity(24 + changes.writes.count * 8)
        if let mark { keys.append(names.ledger(mark.sagaID)) }
        arguments.append(.string(mark?.field ?? ""))
        arguments.append(.string(mark?.expected ?? ""))
        arguments.append(.string(mark?.next.text ?? ""))
        arguments.append(.integer(ledgerTimeToLive.wholeSeconds))
        arguments.append(.integer(0))
        for condition in changes.conditions { check(condition) }
        for change in changes.writes { write(change) }
        for event in events { write(event) }
        if keys.isEmpty { keys.append(names.timers) }
        arguments[4] = .integer(arguments.count + 1)
        for check in checks {
            arguments.append(check.kind)
            arguments.append(.integer(check.key))
            arguments.append(.string(check.one))
            arguments.append(.string(check.other))
        }
    }

    /// Reads the script's answer.
    ///
    /// A ledger that holds exactly what this request would set was set by this request, in a
    /// run whose answer was lost.
    func answer(_ reply: RedisValue) throws(SagaError) -> Answer {
        if reply.integer == 1 { return .applied }
        switch reply[0]?.string {
        case "state":
            let entry = LedgerEntry(reply[1]?.string ?? "")
            return entry == mark?.next ? .applied : .refused(entry)
        case "check":
            let number = (reply[1]?.integer ?? 0) - 1
            if failures.indices.contains(number), let failure = failures[number] {
                return .rejected(failure)
            }
            throw SagaError(.unexpectedState, "a record has a type of its own")
        default:
            throw SagaError(.unexpectedState, "the transition script answered something else")
        }
    }

    // MARK: - Arguments

    private mutating func key(_ name: String) -> Int {
        if let index = keys.firstIndex(of: name) { return index + 1 }
        keys.append(name)
        return keys.count
    }

    private mutating func key(_ record: RecordName) -> Int { key(names.record(record)) }

    /// A condition that reads a field fails by itself on another type of record.
    private mutating func check(_ condition: Changes.Condition) {
        let key = key(condition.record)
        switch condition.test {
        case .absent: checks.append(("absent", key, "", ""))
        case .exists: checks.append(("exists", key, "", ""))
        case .fieldAtLeast(let field, let minimum):
            checks.append(("least", key, field, String(minimum)))
        case .fieldEquals(let field, let value):
            checks.append(("equals", key, field, value))
        }
        failures.append(condition.failure)
    }

    /// The key of a record that is written to and has to be of a type, if it exists.
    private mutating func typed(_ record: RecordName, _ type: String) -> Int {
        let key = key(record)
        let isKnown = checks.contains { $0.key == key && !$0.one.isEmpty }
        if !isFirstWrite && !isKnown {
            checks.append(("type", key, type, ""))
            failures.append(nil)
        }
        return key
    }

    private mutating func write(_ event: CloudEvent) {
        let outlet = names.outlet(event.type)
        begin("event", key(outlet.stream), count: 5)
        arguments.append(.bytes(event.json()))
        arguments.append(.string(event.type))
        arguments.append(.string(event.id))
        arguments.append(.string(event.correlationID))
        arguments.append(.string(outlet.channel))
    }

    private mutating func write(_ change: Changes.Write) {
        switch change {
        case .setFields(let record, let fields):
            begin("HSET", typed(record, "hash"), count: fields.count * 2)
            for (name, value) in fields {
                arguments.append(.string(name))
                arguments.append(.string(value))
            }
        case .increment(let record, let field, let amount):
            increment(record, field, by: amount)
        case .removeFields(let record, let fields):
            begin("HDEL", typed(record, "hash"), count: fields.count)
            for field in fields { arguments.append(.string(field)) }
        case .setText(let record, let text, let timeToLive):
            begin("SET", key(record), count: timeToLive == nil ? 1 : 3)
            arguments.append(.string(text))
            if let timeToLive {
                arguments.append("PX")
                arguments.append(.integer(max(1, timeToLive.milliseconds)))
            }
        case .delete(let record):
            begin("UNLINK", key(record), count: 0)
        case .addMember(let record, let member, let score):
            begin("ZADD", typed(record, "zset"), count: 2)
            arguments.append(.double(score))
            arguments.append(.string(member))
        case .removeMember(let record, let member):
            begin("ZREM", typed(record, "zset"), count: 1)
            arguments.append(.string(member))
        case .setTimer(let sagaID, let event, let delay):
            begin("timer", key(names.timers), count: 2)
            arguments.append(.string(TimerScript.member(sagaID, event: event)))
            arguments.append(.integer(delay.milliseconds))
        case .cancelTimer(let sagaID, let event):
            begin("ZREM", key(names.timers), count: 1)
            arguments.append(.string(TimerScript.member(sagaID, event: event)))
        }
    }

    private mutating func increment(_ record: RecordName, _ field: String, by amount: Int) {
        let key = key(record)
        if !isFirstWrite {
            checks.append(("number", key, field, ""))
            failures.append(nil)
        }
        begin("HINCRBY", key, count: 2)
        arguments.append(.string(field))
        arguments.append(.integer(amount))
    }

    private mutating func begin(_ command: RedisArgument, _ key: Int, count: Int) {
        isFirstWrite = false
        arguments.append(command)
        arguments.append(.integer(key))
        arguments.append(.integer(count))
    }
}
