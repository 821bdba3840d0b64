/// A step cannot succeed for a reason of the business: the card is declined, the stock is short.
///
/// Thrown by a forward step it is an outcome, not an error: the failure event goes out, the
/// others compensate, and nothing is tried again. Everything else that a step throws is taken
/// as an accident and tried again.
public struct BusinessFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// A code in snake case: `out_of_stock`.
    public var reason: String
    /// The same for a person, safe to show.
    public var detail: String

    /// Makes a failure.
    public init(_ reason: String, _ detail: String = "") {
        self.reason = reason
        self.detail = detail
    }

    /// A forward step kept failing; what it did outside, if anything, was undone.
    public static let outcomeUnknown = BusinessFailure(
        "outcome_unknown", "The step did not end in time and was undone.")

    /// The same, and its saga was cancelled before anybody knew.
    package static let calledOff = BusinessFailure(
        "called_off", "The saga was cancelled before it was known whether the step had acted.")

    /// What may have been done of a step that its saga does not need is undone.
    package static let notNeeded = BusinessFailure(
        "not_needed", "The step was not needed, and what may have been done of it is undone.")

    /// A person has said that nothing of a step stands whose outcome nobody else knew.
    ///
    /// Why they said so stays in the ledger and the log: a failure's detail is shown to clients.
    package static let declaredUndone = BusinessFailure(
        "declared_undone", "Nobody could tell whether the step had acted, and it was undone.")

    /// Nothing of a forward step could be sent, so that nothing was done.
    public static let unreachable = BusinessFailure(
        "unreachable", "Whoever the step depends on could not be reached; nothing was done.")

    /// A saga was still pending when its time was up.
    public static let deadlineReached = BusinessFailure(
        "deadline_exceeded", "The saga did not end in time.")

    /// Something came of a saga that its owner does not know.
    public static let unknownSaga = BusinessFailure(
        "unknown_saga", "The saga is not known where it began.")

    /// The failure as the note of a ledger's field, which is read again by `init(note:)`.
    package var note: String { detail.isEmpty ? reason : "\(reason) \(detail)" }

    /// The failure that a note stands for.
    package init(note: String) {
        let parts = note.split(separator: " ", maxSplits: 1)
        self.init(
            parts.first.map(String.init) ?? "", parts.count > 1 ? String(parts[1]) : "")
    }

    /// The reason, and the detail if there is one.
    public var description: String { detail.isEmpty ? reason : "\(reason): \(detail)" }
}
