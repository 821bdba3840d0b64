/// For how long the work on one entry may go on, and what is done about work that goes on; pure.
///
///     in time ──time over, or called off──▶ cancelled ──patience over──▶ deaf: its slot is lent
///        ▲                                      │                          │
///        └────── answers ───────────────────────┴──────────────────────────┘
///
/// Nobody can end a task that ignores its cancellation: only its slot can be given to others. Its
/// entry stays held, so that no other process takes it as long as this one lives.
struct Overtime {
    /// How long work that was cancelled may take to end.
    static let patience: Duration = .seconds(10)

    private var end: ContinuousClock.Instant?
    private var cancelledAt: ContinuousClock.Instant?
    /// Whether it was found to ignore that it was cancelled.
    private(set) var isDeaf = false

    /// Lets it go on until then; nil for as long as it takes.
    ///
    /// Not once it was cancelled: then only an answer shows that it has noticed.
    mutating func limit(until end: ContinuousClock.Instant?) {
        if cancelledAt == nil { self.end = end }
    }

    /// It was cancelled, for its time or for another reason.
    mutating func cancelled(at now: ContinuousClock.Instant) {
        end = nil
        cancelledAt = cancelledAt ?? now
    }

    /// Whether it has to be cancelled now.
    func isOver(at now: ContinuousClock.Instant) -> Bool { end.map { $0 < now } ?? false }

    /// Whether it is found only now to ignore that it was cancelled.
    mutating func turnsDeaf(at now: ContinuousClock.Instant) -> Bool {
        guard let cancelledAt, !isDeaf, now - cancelledAt > Self.patience else { return false }
        isDeaf = true
        return true
    }

    /// It has come back from what it was doing; says whether it was deaf.
    mutating func answers() -> Bool {
        defer { self = Overtime() }
        return isDeaf
    }
}
