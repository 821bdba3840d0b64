/// What a process remembers of the books between two looks; a value.
///
///     read from the beginning ──▶ behind the last page that is old enough ──▶ …
///                ▲                                        │
///                └──── the store may hold other data ─────┘
struct ReconciliationLog: Sendable {
    /// Entries that were not in order when they were last looked at; with so many of them, no
    /// further page is read.
    static let openMaximum = 10_000
    private static let pauseMaximum: Duration = .seconds(3600)

    /// Where the next page begins; nil for the beginning.
    private(set) var cursor: String?
    private(set) var open: Set<String> = []
    private(set) var shown: Set<String> = []
    private var asked: [String: Attempts] = [:]
    private var undone: [String: Attempts] = [:]
    private var doubts: Set<String> = []
    /// Whether more was to be undone than may be.
    private(set) var isHalted = false

    /// How often something was done, and when it may be again: each pause is twice as long.
    private struct Attempts {
        var count = 0
        var next: ContinuousClock.Instant?

        func isDue(at now: ContinuousClock.Instant) -> Bool { next.map { $0 <= now } ?? true }

        mutating func note(every interval: Duration, at now: ContinuousClock.Instant) {
            let pause = interval * (1 << min(count, 20))
            next = now + min(pause, max(interval, ReconciliationLog.pauseMaximum))
            count += 1
        }
    }

    /// Everything is to be looked at once more.
    mutating func begin() {
        cursor = nil
        open = []
    }

    /// Whether there is no room for more that is not in order.
    var isFull: Bool { open.count >= Self.openMaximum }

    mutating func advance(to cursor: String) { self.cursor = cursor }

    /// Notes that it has to be looked at again; false if there is no room for it.
    mutating func keep(_ key: String) -> Bool {
        if open.count >= Self.openMaximum, !open.contains(key) { return false }
        open.insert(key)
        return true
    }

    /// It is in order.
    mutating func close(_ key: String) {
        open.remove(key)
        asked[key] = nil
        undone[key] = nil
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

    /// Whether its owner is to be asked now.
    func mayAsk(about key: String, at now: ContinuousClock.Instant) -> Bool {
        asked[key]?.isDue(at: now) ?? (asked.count < Self.openMaximum)
    }

    /// Notes that its owner was asked: the question stands.
    mutating func noteQuestion(
        about key: String, every interval: Duration, at now: ContinuousClock.Instant
    ) {
        asked[key, default: Attempts()].note(every: interval, at: now)
    }

    /// Whether it is to be undone now.
    func mayUndo(_ key: String, at now: ContinuousClock.Instant) -> Bool {
        !isHalted && (undone[key]?.isDue(at: now) ?? (undone.count < Self.openMaximum))
    }

    /// Notes that it was undone, or could not be.
    mutating func noteUndo(
        _ key: String, every interval: Duration, at now: ContinuousClock.Instant
    ) {
        undone[key, default: Attempts()].note(every: interval, at: now)
    }

    /// Nothing is undone any more.
    mutating func halt() { isHalted = true }
}
