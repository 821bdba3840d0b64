import CloudEvents
import Redis
import Saga

/// One run of the transition script, as keys and arguments.
final class TransitionRequest: Sendable {
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

    let keys: [String]
    private let header: RedisArguments
    private let writes: RedisArguments
    private let checks: RedisArguments
    /// Types of the events that go out, for counting.
    let emitted: [String]
    /// Whether a ledger tells, if it runs again, that it was applied before.
    var isMarked: Bool { mark != nil }
    private let failures: [BusinessFailure?]
    private let mark: Mark?

    init(
        _ mark: Mark?, changes: Changes, events: [CloudEvent], names: ServiceKeys,
        ledgerTimeToLive: Duration
    ) {
        self.mark = mark
        emitted = events.map(\.type)
        var content = TransitionContent(names)
        if let mark { content.keys.append(names.ledger(mark.sagaID)) }
        for condition in changes.conditions { content.check(condition) }
        for change in changes.writes { content.write(change) }
        for event in events { content.write(event) }
        if content.keys.isEmpty { content.keys.append(names.timers) }
        keys = content.keys
        failures = content.failures
        var header = RedisArguments(capacity: 192)
        header.append(mark?.field ?? "")
        header.append(mark?.expected ?? "")
        header.append(mark?.next.text ?? "")
        header.append(ledgerTimeToLive.wholeSeconds + TransitionScript.refreshSeconds)
        header.append(keys.count)
        header.append(content.writes.count)
        header.append(content.checks.count)
        self.header = header
        writes = content.writes
        checks = content.checks
    }

    /// Adds what the script reads of this transition.
    func append(toKeys keys: inout RedisArguments, arguments: inout RedisArguments) {
        for key in self.keys { keys.append(key) }
        arguments.append(contentsOf: header)
        arguments.append(contentsOf: writes)
        arguments.append(contentsOf: checks)
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
}
