import Timekeeping

/// For how long the ledgers of a participant are kept.
struct LedgerLife: Sendable {
    /// After the last thing that was to be done in one, or the end of its saga.
    let seconds: Int
    /// Whether something may be left to be done in one that has a time to live already, which it
    /// then loses again: where a participant has several steps.
    let mayGoOn: Bool

    init(_ time: Duration, mayGoOn: Bool = true) {
        seconds = time.wholeSeconds
        self.mayGoOn = mayGoOn
    }
}
