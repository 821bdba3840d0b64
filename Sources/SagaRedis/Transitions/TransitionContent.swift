import CloudEvents
import Saga
import Timekeeping
import TroupeRedis

/// The shape of one transition, with the keys and values that go with it.
///
/// Checks come first: those that are asked for, then those that keep writes from failing half
/// way, then the writes.
struct TransitionContent {
    private(set) var shape = TransitionShape()
    private(set) var keys: [String] = []
    private(set) var values = RedisArguments(capacity: 960)
    /// What it means that a check does not hold, in the order of the checks.
    private(set) var failures: [BusinessFailure?] = []
    /// Why the writes cannot all work, whatever the records hold.
    private(set) var fault: String?
    /// Keys that a check is to find of the right type.
    private var typedKeys: [Int] = []
    private let names: ServiceKeys
    /// Whether names of fields are values, for shapes that would be too many otherwise.
    private let isGeneral: Bool

    init(_ transition: StoreTransition, names: ServiceKeys, isGeneral: Bool) {
        let (changes, events) = (transition.changes, transition.events)
        self.names = names
        self.isGeneral = isGeneral
        keys.reserveCapacity(4)
        if let mark = transition.mark { add(mark) }
        for condition in changes.conditions { check(condition) }
        prepare(changes.writes)
        for change in changes.writes { write(change) }
        if let event = events.first {
            shape.append(.saga)
            add(value: event.correlationID)
        }
        for event in events { write(event) }
    }

    // MARK: - Pieces

    private mutating func add(value: String) {
        shape.appendValue()
        values.append(value)
    }

    private mutating func add(value: Int) {
        shape.appendValue()
        values.append(value)
    }

    /// Adds a word that the code of a handler chose.
    private mutating func add(name: String) {
        if isGeneral || name.utf8.count > TransitionShape.nameMaximum {
            add(value: name)
        } else {
            shape.append(name: name)
        }
    }

    private mutating func key(_ name: String) -> Int {
        if let index = keys.firstIndex(of: name) { return index + 1 }
        keys.append(name)
        return keys.count
    }

    private mutating func key(_ record: RecordName) -> Int { key(names.record(record)) }

    // MARK: - The ledger

    private mutating func add(_ mark: StoreTransition.Mark) {
        keys.append(names.ledger(mark.sagaID))
        if mark.expectedText != nil { shape.append(.exact) }
        shape.append(mark.next.note.isEmpty ? .mark : .markWithNote)
        add(name: mark.field)
        if let text = mark.expectedText { add(value: text) } else { add(name: mark.expected) }
        add(name: mark.next.state)
        add(value: mark.next.eventID)
        if !mark.next.note.isEmpty { add(value: mark.next.note) }
        if mark.form != .sagaAndStep {
            shape.append(.form)
            shape.append(name: mark.form.rawValue)
        }
        if let end = mark.end {
            shape.append(.end)
            add(value: end.text)
        }
        if mark.isLast { shape.append(.last) }
    }

    // MARK: - Checks

    private mutating func check(
        _ operation: TransitionShape.Operation, _ key: Int, _ field: String? = nil,
        failure: BusinessFailure?
    ) {
        shape.append(operation)
        shape.append(key: key)
        if let field {
            add(name: field)
            typedKeys.append(key)
        }
        failures.append(failure)
    }

    /// A condition that reads a field fails by itself on another type of record.
    private mutating func check(_ condition: Changes.Condition) {
        let key = key(condition.record)
        let failure = condition.failure
        switch condition.test {
        case .absent: check(.absent, key, failure: failure)
        case .exists: check(.exists, key, failure: failure)
        case .fieldAtLeast(let field, let minimum):
            check(.least, key, field, failure: failure)
            add(value: minimum)
        case .fieldEquals(let field, let value):
            check(.equals, key, field, failure: failure)
            add(value: value)
        }
    }

    /// Adds the checks without which a write that is not the first one could fail.
    private mutating func prepare(_ writes: [Changes.Write]) {
        guard writes.count > 1 else { return }
        var forecast = WriteForecast(writes)
        for index in writes.indices {
            let need = forecast.need(at: index)
            guard index > 0 else { continue }
            switch need {
            case .nothing:
                break
            case .type(let record, let type):
                require(record, type)
            case .number(let record, let field, let sum):
                check(.number, key(record), field, failure: nil)
                shape.appendValue()
                if let whole = Int(exactly: sum) {
                    values.append(whole)
                } else {
                    values.append(sum)
                }
            }
        }
        fault = forecast.fault
    }

    private mutating func require(_ record: RecordName, _ type: String) {
        let key = key(record)
        guard !typedKeys.contains(key) else { return }
        check(.type, key, failure: nil)
        shape.append(name: type)
        typedKeys.append(key)
    }

    // MARK: - Writes

    private mutating func command(_ name: String, _ record: RecordName) {
        shape.append(.command)
        shape.append(name: name)
        shape.append(key: key(record))
    }

    private mutating func write(_ change: Changes.Write) {
        switch change {
        case .setFields(let record, let fields):
            set(fields, of: record)
        case .increment(let record, let field, let amount):
            command("HINCRBY", record)
            add(name: field)
            add(value: amount)
        case .removeFields(let record, let fields):
            for start in stride(from: 0, to: fields.count, by: TransitionScript.fieldsMaximum) {
                command("HDEL", record)
                for field in fields[start...].prefix(TransitionScript.fieldsMaximum) {
                    add(name: field)
                }
            }
        case .setText(let record, let text, let timeToLive):
            command("SET", record)
            add(value: text)
            if let timeToLive {
                shape.append(name: "PX")
                add(value: max(1, timeToLive.milliseconds))
            }
        case .delete(let record):
            command("UNLINK", record)
        case .addMember(let record, let member, let score):
            command("ZADD", record)
            shape.appendValue()
            values.append(score)
            add(value: member)
        case .removeMember(let record, let member):
            command("ZREM", record)
            add(value: member)
        case .setTimer(let sagaID, let event, let delay):
            shape.append(.setTimer)
            add(value: delay.milliseconds)
            add(value: TimerScript.member(sagaID, event: event))
        case .cancelTimer(let sagaID, let event):
            shape.append(.cancelTimer)
            add(value: TimerScript.member(sagaID, event: event))
        }
    }

    /// In the order of their names, so that the same fields have the same shape.
    private mutating func set(_ fields: [String: String], of record: RecordName) {
        for (index, field) in fields.sorted(by: { $0.key < $1.key }).enumerated() {
            if index.isMultiple(of: TransitionScript.fieldsMaximum) { command("HSET", record) }
            add(name: field.key)
            add(value: field.value)
        }
    }

    private mutating func write(_ event: CloudEvent) {
        shape.append(.event)
        shape.append(name: event.type)
        add(value: event.id)
        shape.appendValue()
        values.append(event.json())
    }
}
