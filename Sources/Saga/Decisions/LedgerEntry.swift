/// One field of a ledger: `<state> <eventID> <note>`.
///
/// The state is one word and is what transitions compare and set. The event ID tells which
/// transition wrote it, so that whoever lost the answer can tell its own from another's. The
/// note is the failure that led there: to a cancelled life, a step that failed, one whose outcome
/// is unknown; and the name of the condition by which a step was not needed. It is empty otherwise.
package struct LedgerEntry: Hashable, Sendable {
    package var state: String
    package var eventID: String
    package var note: String

    package init(state: String, eventID: String, note: String = "") {
        self.state = state
        self.eventID = eventID
        self.note = note
    }

    package init(_ text: String) {
        let parts = text.split(
            separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        state = String(parts[0])
        eventID = parts.count > 1 ? String(parts[1]) : ""
        note = parts.count > 2 ? String(parts[2]) : ""
    }

    /// The field of a ledger that names the step at which its saga is blocked, and the event.
    package static let blockedField = "blocked"

    /// The state of what may have been done, of a step as of a saga's life.
    package static let unknown = "unknown"
    /// Begins the note of what a transition left half written; then comes what stood there
    /// before it.
    package static let halfApplied = "half_applied"

    /// What a transition to this entry leaves if it fails after it has begun to write.
    package func halfApplied(from state: String) -> LedgerEntry {
        LedgerEntry(
            state: Self.unknown, eventID: eventID,
            note: state.isEmpty ? Self.halfApplied : "\(Self.halfApplied) \(state)")
    }

    /// The state before the transition that left this half written; nil if none did.
    package var stateBeforeHalf: String? {
        guard state == Self.unknown else { return nil }
        let words = note.split(separator: " ", maxSplits: 2)
        guard words.first.map(String.init) == Self.halfApplied else { return nil }
        return words.count > 1 ? String(words[1]) : ""
    }

    package var text: String {
        var text = state
        text += " "
        text += eventID
        if note.isEmpty { return text }
        text += " "
        text += note
        return text
    }
}
