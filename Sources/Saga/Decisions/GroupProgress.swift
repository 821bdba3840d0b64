/// How far a group has come in a stream.
///
///     ──── dealt with ────┤ oldest pending ├── pending, or dealt with ──┤ delivered ├── to come ──
///
/// Who has read a question and acknowledged it, and has not answered, has lost it: a store that
/// has gone back a moment, a ledger that was deleted. Who has not come so far only takes long.
package struct GroupProgress: Hashable, Sendable {
    /// How many entries are left to be delivered; some, if nobody has counted them.
    package var unread: Int
    /// When the store took the last entry that was delivered, in milliseconds of its clock.
    package var delivered: Int64
    /// The same of the oldest one that is delivered and not acknowledged, if any is.
    package var oldestPending: Int64?

    /// Whether nothing is left to be delivered.
    package var isAtEnd: Bool { unread == 0 }

    package init(unread: Int, delivered: Int64, oldestPending: Int64?) {
        self.unread = unread
        self.delivered = delivered
        self.oldestPending = oldestPending
    }

    /// Whether all that the store took until then is read and acknowledged.
    package func hasDealt(until time: Int64) -> Bool {
        guard isAtEnd || delivered > time else { return false }
        return oldestPending.map { $0 > time } ?? true
    }
}

/// What somebody was asked, and how the answer comes.
package struct LifecycleQuestion: Sendable {
    /// Who was asked.
    package var participant: String
    /// Which of its steps has to answer.
    package var step: String
    /// By any of which events.
    package var asks: [EventKind]
    /// By any of which it answers.
    package var answers: [EventKind]

    /// Whether it was lost: it is dealt with, an answer would have been heard, and none was.
    ///
    /// An answer of the last moment may be on its way to this participant.
    ///
    /// - Parameters:
    ///   - asked: when it was asked at the latest, by the store's clock.
    ///   - now: by the same clock.
    package static func isLost(
        asked: Int64, now: Int64, asks: [GroupProgress], answers: [GroupProgress]
    ) -> Bool {
        asks.allSatisfy { $0.hasDealt(until: asked) }
            && answers.allSatisfy { $0.hasDealt(until: max(asked, now - hearing)) }
    }

    /// How long an answer may be on its way.
    private static let hearing: Int64 = 2000
}
