import Synchronization

/// Notes what a lease did, to know whether its connection can serve the next one.
///
/// A connection is clean if every command was answered and none left a state behind: WATCH
/// and MULTI are over with EXEC, DISCARD or UNWATCH; anything else that changes a connection
/// makes it unfit.
final class LeaseLedger: Sendable {
    private struct Notes {
        var underWay = 0
        var isWatching = false
        var isUnfit = false
    }

    private static let opens: Set<String> = ["WATCH", "MULTI"]
    private static let closes: Set<String> = ["EXEC", "DISCARD", "UNWATCH", "RESET"]
    private static let unfits: Set<String> = [
        "SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "MONITOR", "SELECT", "AUTH", "HELLO", "CLIENT",
        "RESET", "READONLY", "ASKING", "QUIT",
    ]

    private let notes = Mutex(Notes())

    /// Notes a command that is about to be sent.
    func begin(_ name: String) -> String {
        let name = name.uppercased()
        notes.withLock { notes in
            notes.underWay += 1
            if Self.opens.contains(name) { notes.isWatching = true }
            if Self.unfits.contains(name) { notes.isUnfit = true }
        }
        return name
    }

    /// Notes that it was answered.
    ///
    /// A command that failed never is, so that its connection is not used again.
    func end(_ name: String) {
        notes.withLock { notes in
            notes.underWay -= 1
            if Self.closes.contains(name) { notes.isWatching = false }
        }
    }

    var isClean: Bool {
        notes.withLock { $0.underWay == 0 && !$0.isWatching && !$0.isUnfit }
    }
}
