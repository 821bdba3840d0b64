import CloudEvents
import Redis
import Saga

/// Checks and writes of one transition as the script reads them, with the keys they name.
struct TransitionContent {
    var keys: [String] = []
    private(set) var writes = RedisArguments(capacity: 960)
    private(set) var checks = RedisArguments()
    /// What it means that a check does not hold, in the order of the checks.
    private(set) var failures: [BusinessFailure?] = []
    /// Keys that a check is to find of the right type.
    private var typedKeys: [Int] = []
    private var isFirstWrite = true
    private let names: ServiceKeys

    init(_ names: ServiceKeys) {
        self.names = names
        keys.reserveCapacity(4)
    }

    private mutating func check(
        _ kind: String, _ key: Int, _ one: String = "", _ other: String = ""
    ) {
        checks.append(kind)
        checks.append(key)
        checks.append(one)
        checks.append(other)
        if !one.isEmpty { typedKeys.append(key) }
    }

    private mutating func key(_ name: String) -> Int {
        if let index = keys.firstIndex(of: name) { return index + 1 }
        keys.append(name)
        return keys.count
    }

    private mutating func key(_ record: RecordName) -> Int { key(names.record(record)) }

    /// A condition that reads a field fails by itself on another type of record.
    mutating func check(_ condition: Changes.Condition) {
        let key = key(condition.record)
        switch condition.test {
        case .absent: check("absent", key)
        case .exists: check("exists", key)
        case .fieldAtLeast(let field, let minimum):
            check("least", key, field, String(minimum))
        case .fieldEquals(let field, let value):
            check("equals", key, field, value)
        }
        failures.append(condition.failure)
    }

    /// The key of a record that is written to and has to be of a type, if it exists.
    private mutating func typed(_ record: RecordName, _ type: String) -> Int {
        let key = key(record)
        if !isFirstWrite && !typedKeys.contains(key) {
            check("type", key, type)
            failures.append(nil)
        }
        return key
    }

    mutating func write(_ event: CloudEvent) {
        let outlet = names.outlet(event.type)
        begin("event", key(outlet.stream), count: 5)
        writes.append(event.json())
        writes.append(event.type)
        writes.append(event.id)
        writes.append(event.correlationID)
        writes.append(outlet.channel)
    }

    mutating func write(_ change: Changes.Write) {
        switch change {
        case .setFields(let record, let fields):
            begin("HSET", typed(record, "hash"), count: fields.count * 2)
            for (name, value) in fields {
                writes.append(name)
                writes.append(value)
            }
        case .increment(let record, let field, let amount):
            increment(record, field, by: amount)
        case .removeFields(let record, let fields):
            begin("HDEL", typed(record, "hash"), count: fields.count)
            for field in fields { writes.append(field) }
        case .setText(let record, let text, let timeToLive):
            begin("SET", key(record), count: timeToLive == nil ? 1 : 3)
            writes.append(text)
            if let timeToLive {
                writes.append("PX")
                writes.append(max(1, timeToLive.milliseconds))
            }
        case .delete(let record):
            begin("UNLINK", key(record), count: 0)
        case .addMember(let record, let member, let score):
            begin("ZADD", typed(record, "zset"), count: 2)
            writes.append(score)
            writes.append(member)
        case .removeMember(let record, let member):
            begin("ZREM", typed(record, "zset"), count: 1)
            writes.append(member)
        case .setTimer(let sagaID, let event, let delay):
            begin("timer", key(names.timers), count: 2)
            writes.append(TimerScript.member(sagaID, event: event))
            writes.append(delay.milliseconds)
        case .cancelTimer(let sagaID, let event):
            begin("ZREM", key(names.timers), count: 1)
            writes.append(TimerScript.member(sagaID, event: event))
        }
    }

    private mutating func increment(_ record: RecordName, _ field: String, by amount: Int) {
        let key = key(record)
        if !isFirstWrite {
            check("number", key, field)
            failures.append(nil)
        }
        begin("HINCRBY", key, count: 2)
        writes.append(field)
        writes.append(amount)
    }

    private mutating func begin(_ command: String, _ key: Int, count: Int) {
        isFirstWrite = false
        writes.append(command)
        writes.append(key)
        writes.append(count)
    }
}
