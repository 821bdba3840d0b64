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
    private var writes: [RedisArgument] = []
    private var checks: [(kind: String, key: Int, one: String, other: String)] = []
    private var failures: [BusinessFailure?] = []
    private let mark: Mark?
    private let names: SagaKeys
    private let service: String

    init(
        _ mark: Mark?, changes: Changes, events: [CloudEvent], service: String, names: SagaKeys,
        ledgerTimeToLive: Duration
    ) {
        self.mark = mark
        self.names = names
        self.service = service
        emitted = events.map(\.type)
        if let mark { keys.append(names.ledger(mark.sagaID, service: service)) }
        for event in events { write(event) }
        for condition in changes.conditions { check(condition) }
        for change in changes.writes { write(change) }
        if keys.isEmpty { keys.append(names.timers(service)) }
        arguments.reserveCapacity(5 + checks.count * 4 + writes.count)
        arguments.append(.string(mark?.field ?? ""))
        arguments.append(.string(mark?.expected ?? ""))
        arguments.append(.string(mark?.next.text ?? ""))
        arguments.append(.integer(ledgerTimeToLive.wholeSeconds))
        arguments.append(.integer(checks.count))
        for check in checks {
            arguments.append(.string(check.kind))
            arguments.append(.integer(check.key))
            arguments.append(.string(check.one))
            arguments.append(.string(check.other))
        }
        arguments.append(contentsOf: writes)
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
            throw SagaError(.unexpectedState, "a record or a timer has a type of its own")
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

    private mutating func key(_ record: RecordName) -> Int {
        key(names.record(record, service: service))
    }

    private mutating func check(_ condition: Changes.Condition) {
        let key = key(condition.record)
        switch condition.test {
        case .absent: checks.append(("absent", key, "", ""))
        case .exists: checks.append(("exists", key, "", ""))
        case .fieldAtLeast(let field, let minimum):
            require(type: "hash", of: key)
            checks.append(("least", key, field, String(minimum)))
        case .fieldEquals(let field, let value):
            require(type: "hash", of: key)
            checks.append(("equals", key, field, value))
        }
        failures.append(condition.failure)
    }

    private mutating func require(type: String, of key: Int) {
        guard !checks.contains(where: { $0.kind == "type" && $0.key == key }) else { return }
        checks.append(("type", key, type, ""))
        failures.append(nil)
    }

    private mutating func write(_ event: CloudEvent) {
        let key = key(names.stream(event.type, owner: service))
        write(
            "event", key,
            [
                .bytes(event.json()), .string(event.type), .string(event.id),
                .string(event.correlationID), .string(names.channel(event.type)),
            ])
    }

    private mutating func write(_ change: Changes.Write) {
        switch change {
        case .setFields(let record, let fields):
            var pairs: [RedisArgument] = []
            pairs.reserveCapacity(fields.count * 2)
            for (name, value) in fields {
                pairs.append(.string(name))
                pairs.append(.string(value))
            }
            write("HSET", typed(record, "hash"), pairs)
        case .increment(let record, let field, let amount):
            let key = typed(record, "hash")
            checks.append(("number", key, field, ""))
            failures.append(nil)
            write("HINCRBY", key, [.string(field), .integer(amount)])
        case .removeFields(let record, let fields):
            write("HDEL", typed(record, "hash"), fields.map { .string($0) })
        case .setText(let record, let text, let timeToLive):
            var values: [RedisArgument] = [.string(text)]
            if let timeToLive {
                values += ["PX", .integer(max(1, timeToLive.milliseconds))]
            }
            write("SET", key(record), values)
        case .delete(let record):
            write("UNLINK", key(record), [])
        case .addMember(let record, let member, let score):
            write("ZADD", typed(record, "zset"), [.double(score), .string(member)])
        case .removeMember(let record, let member):
            write("ZREM", typed(record, "zset"), [.string(member)])
        case .setTimer(let sagaID, let event, let delay):
            let timer: [RedisArgument] = [
                .string(TimerScript.member(sagaID, event: event)), .integer(delay.milliseconds),
            ]
            write("timer", timersKey(), timer)
        case .cancelTimer(let sagaID, let event):
            write("ZREM", timersKey(), [.string(TimerScript.member(sagaID, event: event))])
        }
    }

    private mutating func timersKey() -> Int {
        let key = key(names.timers(service))
        require(type: "zset", of: key)
        return key
    }

    private mutating func typed(_ record: RecordName, _ type: String) -> Int {
        let key = key(record)
        require(type: type, of: key)
        return key
    }

    private mutating func write(_ command: String, _ key: Int, _ values: [RedisArgument]) {
        writes.append(.string(command))
        writes.append(.integer(key))
        writes.append(.integer(values.count))
        writes.append(contentsOf: values)
    }
}
