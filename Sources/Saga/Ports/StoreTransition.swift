package import CloudEvents

/// One transition, as a store applies it: all of it or nothing.
///
/// A class, as it goes through many asynchronous calls, each of which would have to keep a copy.
package final class StoreTransition: Sendable {
    /// A ledger field, what it has to hold and what it is to hold.
    package struct Mark: Sendable {
        package var sagaID: String
        package var field: String
        /// The state that it has to hold; empty for none.
        package var expected: String
        /// All that it has to hold, if its state alone would not do.
        package var expectedText: String?
        package var next: LedgerEntry
        /// The form of idempotency keys that the ledger is to note, unless it is the old one.
        package var form: KeyForm
        /// What the ledger is to say of the saga's end, if anything.
        package var end: LedgerEnd?
        /// Whether the ledger may go some time after this, as nothing is left to be done here.
        ///
        /// It stays all the same while something is owed or blocked.
        package var isLast: Bool

        package init(
            sagaID: String, field: String, expected: String, next: LedgerEntry,
            form: KeyForm = .sagaAndStep, end: LedgerEnd? = nil, isLast: Bool = true
        ) {
            self.sagaID = sagaID
            self.field = field
            self.expected = expected
            self.next = next
            self.form = form
            self.end = end
            self.isLast = isLast
        }
    }

    /// Nil for a local transaction that belongs to no step of a saga.
    package let mark: Mark?
    package let changes: Changes
    /// Of the participant's own types; they go out in this order.
    package let events: [CloudEvent]

    package init(_ mark: Mark? = nil, changes: Changes = Changes(), events: [CloudEvent] = []) {
        self.mark = mark
        self.changes = changes
        self.events = events
    }
}

/// What became of a transition.
package enum TransitionAnswer: Hashable, Sendable {
    /// All of it was applied, now or in an earlier run whose answer was lost.
    ///
    /// `silence` is what the store said if it refused to ring for the events, which stand in
    /// their streams all the same.
    case applied(silence: String?)
    /// The ledger held something else; nothing was changed.
    case refused(LedgerEntry)
    /// A condition did not hold; nothing was changed.
    case rejected(BusinessFailure)

    /// All of it was applied, and rung for.
    package static let applied = TransitionAnswer.applied(silence: nil)
}
