/// What a transition does to its participant's own records: conditions first, then writes.
///
/// A plain value. All of it is applied in one atomic script together with the ledger, timers
/// and events: either every condition holds and every write happens, or nothing does.
public struct Changes: Hashable, Sendable {
    package struct Condition: Hashable, Sendable {
        package enum Test: Hashable, Sendable {
            case absent
            case exists
            case fieldAtLeast(String, Int)
            case fieldEquals(String, String)
        }

        package var record: RecordName
        package var test: Test
        package var failure: BusinessFailure
    }

    package enum Write: Hashable, Sendable {
        case setFields(RecordName, [String: String])
        case increment(RecordName, String, Int)
        case removeFields(RecordName, [String])
        case setText(RecordName, String, timeToLive: Duration?)
        case delete(RecordName)
        case addMember(RecordName, String, score: Double)
        case removeMember(RecordName, String)
        case setTimer(String, event: String, after: Duration)
        case cancelTimer(String, event: String)
    }

    package private(set) var conditions: [Condition] = []
    package private(set) var writes: [Write] = []

    /// No changes.
    public init() {}

    /// Changes gathered by a closure.
    public init(_ gather: (inout Changes) throws -> Void) rethrows {
        try gather(&self)
    }

    /// Whether nothing is required and nothing written.
    public var isEmpty: Bool { conditions.isEmpty && writes.isEmpty }

    // MARK: - Conditions

    /// Requires a hash record's field to be a number of at least `minimum`; an absent one is 0.
    public mutating func require(
        _ record: RecordName, _ field: String, atLeast minimum: Int, orElse failure: BusinessFailure
    ) {
        conditions.append(
            Condition(record: record, test: .fieldAtLeast(field, minimum), failure: failure))
    }

    /// Requires a hash record's field to hold `value`.
    public mutating func require(
        _ record: RecordName, _ field: String, equals value: String, orElse failure: BusinessFailure
    ) {
        conditions.append(
            Condition(record: record, test: .fieldEquals(field, value), failure: failure))
    }

    /// Requires a record to exist.
    public mutating func requireExists(_ record: RecordName, orElse failure: BusinessFailure) {
        conditions.append(Condition(record: record, test: .exists, failure: failure))
    }

    /// Requires a record not to exist.
    public mutating func requireAbsent(_ record: RecordName, orElse failure: BusinessFailure) {
        conditions.append(Condition(record: record, test: .absent, failure: failure))
    }

    // MARK: - Writes

    /// Sets fields of a hash record; others stay.
    public mutating func set(_ record: RecordName, _ fields: [String: String]) {
        guard !fields.isEmpty else { return }
        writes.append(.setFields(record, fields))
    }

    /// Adds to a numeric field of a hash record; an absent one counts from 0.
    public mutating func increment(_ record: RecordName, _ field: String, by amount: Int) {
        writes.append(.increment(record, field, amount))
    }

    /// Removes fields of a hash record.
    public mutating func remove(_ record: RecordName, fields: [String]) {
        guard !fields.isEmpty else { return }
        writes.append(.removeFields(record, fields))
    }

    /// Sets a string record, which then vanishes after `timeToLive` if one is given.
    public mutating func set(_ record: RecordName, text: String, timeToLive: Duration? = nil) {
        writes.append(.setText(record, text, timeToLive: timeToLive))
    }

    /// Deletes a record of any kind.
    public mutating func delete(_ record: RecordName) {
        writes.append(.delete(record))
    }

    /// Puts a member into a sorted-set record, an index, or moves it to another score.
    public mutating func add(_ member: String, to index: RecordName, score: Double) {
        writes.append(.addMember(index, member, score: score))
    }

    /// Takes a member out of a sorted-set record.
    public mutating func remove(_ member: String, from index: RecordName) {
        writes.append(.removeMember(index, member))
    }

    // MARK: - Joining

    /// Appends all conditions and writes of `other`.
    public mutating func append(_ other: Changes) {
        conditions += other.conditions
        writes += other.writes
    }

    package mutating func setTimer(_ sagaID: String, event: String, after delay: Duration) {
        writes.append(.setTimer(sagaID, event: event, after: delay))
    }

    /// The same with the timers of sagas that are known by other names.
    func naming(_ name: (String) -> String) -> Changes {
        var changes = self
        changes.writes = writes.map { write in
            switch write {
            case .setTimer(let sagaID, let event, let delay):
                .setTimer(name(sagaID), event: event, after: delay)
            case .cancelTimer(let sagaID, let event): .cancelTimer(name(sagaID), event: event)
            default: write
            }
        }
        return changes
    }

    package mutating func cancelTimer(_ sagaID: String, event: String) {
        writes.append(.cancelTimer(sagaID, event: event))
    }
}
