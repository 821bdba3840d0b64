import Saga
import TroupeRedis

/// One run of the transition script, as keys and arguments.
final class TransitionRequest: Sendable {
    let script: TransitionScript
    private let keys: [String]
    private let values: RedisArguments
    /// Whether a ledger tells, if it runs again, that it was applied before.
    var isMarked: Bool { mark != nil }
    private let failures: [BusinessFailure?]
    let mark: StoreTransition.Mark?
    /// Why it cannot be applied, whatever Redis holds.
    let fault: String?

    init(_ transition: StoreTransition, names: ServiceKeys, scripts: TransitionScripts) {
        mark = transition.mark
        var content = TransitionContent(transition, names: names, isGeneral: false)
        if let script = scripts.script(for: content.shape) {
            self.script = script
        } else {
            content = TransitionContent(transition, names: names, isGeneral: true)
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
    func answer(_ reply: RedisValue) throws(SagaError) -> TransitionAnswer {
        if reply.integer == 1 { return .applied }
        let text = reply[1]?.string ?? ""
        switch reply[0]?.string {
        case "silent":
            return .applied(silence: text)
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
}
