/// What a participant's ledger says of the end of its saga.
///
///     owner    awaiting inventory,shipping … ─shipping has finished─▶ awaiting inventory …
///              ─inventory has finished─▶ completed
///     others   nothing ─they have finished, or hear of the end─▶ completed, cancelled
///
/// A ledger may go some time after its saga has ended, and not before. What the owner said to
/// those who have to finish stands beside their names, for the case that it is lost.
package enum LedgerEnd: Hashable, Sendable {
    case completed
    case cancelled
    /// The saga went through; who has still to say that its part is finished, and the payload of
    /// the event that asked for it, of a version.
    case awaiting([String], version: Int, said: String)

    /// The field of a ledger that holds it.
    package static let field = "end"

    package static let awaitingWord = "awaiting"

    package init?(_ text: String) {
        let parts = text.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false)
        switch (parts[0], parts.count) {
        case ("completed", 1): self = .completed
        case ("cancelled", 1): self = .cancelled
        case (Substring(Self.awaitingWord), 4):
            guard let version = Int(parts[2]) else { return nil }
            self = .awaiting(
                parts[1].split(separator: ",").map(String.init), version: version,
                said: String(parts[3]))
        default: return nil
        }
    }

    /// Reads it out of a ledger.
    package init?(_ entry: LedgerEntry) {
        self.init(entry.eventID.isEmpty ? entry.state : entry.text)
    }

    package var text: String {
        switch self {
        case .completed: "completed"
        case .cancelled: "cancelled"
        case .awaiting(let names, let version, let said):
            "\(Self.awaitingWord) \(names.joined(separator: ",")) \(version) \(said)"
        }
    }

    /// What it says once one of those awaited has finished; nil if that changes nothing.
    package func finished(by name: String) -> LedgerEnd? {
        guard case .awaiting(let names, let version, let said) = self, names.contains(name)
        else { return nil }
        let rest = names.filter { $0 != name }
        return rest.isEmpty ? .completed : .awaiting(rest, version: version, said: said)
    }
}

/// What comes to a participant's ears of the end of a saga.
package struct SagaEnd: Hashable, Sendable {
    package enum News: Hashable, Sendable {
        /// It went through.
        case completed
        /// Everything is undone.
        case cancelled
        /// Somebody has finished after it went through.
        case finished(by: String)
    }

    package var sagaID: String
    package var news: News

    package init(_ sagaID: String, _ news: News) {
        self.sagaID = sagaID
        self.news = news
    }

    /// What the ledger is to say of it, given what it says; nil if nothing else than before.
    package func end(over known: LedgerEnd?) -> LedgerEnd? {
        switch news {
        case .completed: .completed
        case .cancelled: .cancelled
        case .finished(let name): known?.finished(by: name)
        }
    }
}
