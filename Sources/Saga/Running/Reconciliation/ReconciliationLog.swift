/// What a process remembers of the books between two looks; a value.
///
///     read from the beginning ──▶ behind the last page that is old enough ──▶ …
///                ▲                                        │
///                └──── the store may hold other data ─────┘
struct ReconciliationLog: Sendable {
    /// Entries that were not in order when they were last looked at; the newest of too many are
    /// met again from the beginning.
    static let openMaximum = 10_000
    private static let hour: Duration = .seconds(3600)
    private static let askPauseMaximum: Duration = .seconds(3600)

    /// Where the next page begins; nil for the beginning.
    private(set) var cursor: String?
    private(set) var open: Set<String> = []
    private(set) var shown: Set<String> = []
    private var asked: [String: (count: Int, next: ContinuousClock.Instant)] = [:]
    private var doubts: Set<String> = []
    private var undos: [ContinuousClock.Instant] = []
    /// Whether more was to be undone than may be.
    private(set) var isHalted = false

    /// Everything is to be looked at once more.
    mutating func begin() {
        cursor = nil
        open = []
    }

    mutating func advance(to cursor: String) { self.cursor = cursor }

    /// It has to be looked at again.
    mutating func keep(_ key: String) {
        if open.count < Self.openMaximum { open.insert(key) }
    }

    /// It is in order.
    mutating func close(_ key: String) {
        open.remove(key)
        asked[key] = nil
        doubts.remove(key)
        shown.remove(key)
    }

    /// Whether this is the first time that it is shown.
    mutating func show(_ key: String) -> Bool {
        shown.count < Self.openMaximum && shown.insert(key).inserted
    }

    /// Notes a doubt; true if it is not the first.
    mutating func doubt(_ key: String) -> Bool {
        doubts.count < Self.openMaximum && !doubts.insert(key).inserted
    }

    /// How often its owner was asked.
    func questions(about key: String) -> Int { asked[key]?.count ?? 0 }

    /// Whether the owner has been asked often enough to have answered, if it had an answer.
    func wasAskedInVain(about key: String) -> Bool { questions(about: key) > 3 }

    /// Whether its owner is to be asked now: each time after a pause twice as long.
    mutating func mayAsk(
        about key: String, every interval: Duration, at now: ContinuousClock.Instant
    ) -> Bool {
        let before = asked[key]
        if let before, now < before.next { return false }
        guard before != nil || asked.count < Self.openMaximum else { return false }
        let count = before?.count ?? 0
        let pause = min(interval * (1 << min(count, 20)), max(interval, Self.askPauseMaximum))
        asked[key] = (count + 1, now + pause)
        return true
    }

    /// Whether one more may be undone within this hour; once not, never again.
    mutating func mayUndo(atMost limit: Int, at now: ContinuousClock.Instant) -> Bool {
        undos.removeAll { now - $0 > Self.hour }
        if isHalted || undos.count >= limit {
            isHalted = true
            return false
        }
        undos.append(now)
        return true
    }
}
