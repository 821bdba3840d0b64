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
        /// The form of idempotency keys that the ledger is to note, unless it is the old one.
        var form = KeyForm.sagaAndStep
    }

    let script: TransitionScript
    private let keys: [String]
    private let values: RedisArguments
    /// Types of the events that go out, for counting.
    let emitted: [String]
    /// Whether a ledger tells, if it runs again, that it was applied before.
    var isMarked: Bool { mark != nil }
    private let failures: [BusinessFailure?]
    let mark: Mark?
    /// Why it cannot be applied, whatever Redis holds.
    let fault: String?

    init(
        _ mark: Mark?, changes: Changes, events: [CloudEvent], names: ServiceKeys,
        scripts: TransitionScripts
    ) {
        self.mark = mark
        emitted = events.map(\.type)
        var content = TransitionContent(
            mark, changes: changes, events: events, names: names, isGeneral: false)
        if let script = scripts.script(for: content.shape) {
            self.script = script
        } else {
            content = TransitionContent(
                mark, changes: changes, events: events, names: names, isGeneral: true)
            script = scripts.generalScript(for: content.shape)
        }
        keys = content.keys
        values = content.values
        failures = content.failures
        fault = content.fault
    }

    /// Adds what the script reads of this transition.
    func append(toKeys keys: inout RedisArguments, values: inout RedisArguments) {
        for key in self.keys { keys.append(key) }
        values.append(contentsOf: self.values)
    }

    /// Reads the script's answer.
    ///
    /// A ledger that holds exactly what this request would set was set by this request, in a
    /// run whose answer was lost.
    func answer(_ reply: RedisValue) throws(SagaError) -> Answer {
        if reply.integer == 1 { return .applied }
        let text = reply[1]?.string ?? ""
        switch reply[0]?.string {
        case "silent":
            return .applied
        case "state":
            let entry = LedgerEntry(text)
            guard let next = mark?.next, entry.eventID == next.eventID else {
                return .refused(entry)
            }
            if entry.stateBeforeHalf != nil {
                throw SagaError(.halfApplied, "it failed after the first write of an earlier run")
            }
            return entry == next ? .applied : .refused(entry)
        case "check":
            let number = (reply[1]?.integer ?? 0) - 1
            if failures.indices.contains(number), let failure = failures[number] {
                return .rejected(failure)
            }
            throw SagaError(.unexpectedState, "a record has a type of its own")
        case "type":
            let key = script.sharedKeyNames.dropFirst((reply[1]?.integer ?? 1) - 1).first ?? ""
            throw SagaError(.unavailable, "\(key) has a type of its own", retry: .later)
        case "ledger":
            throw SagaError(
                .unavailable, "the ledger cannot be read: \(text)", retry: .later)
        case "error":
            let error = RedisError(serverText: reply[2]?.string ?? "")
            throw reply[1]?.integer == 1
                ? SagaError(
                    .halfApplied, "Redis: \(error.code) after the first write", cause: error)
                : SagaError(error)
        default:
            throw SagaError(.unexpectedState, "the transition script answered something else")
        }
    }

    /// What Redis said when the doorbell could not be rung.
    static func silence(_ reply: RedisValue) -> String? {
        reply[0]?.string == "silent" ? reply[1]?.string : nil
    }
}
