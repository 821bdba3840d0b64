import Timekeeping

/// What a ledger that is not there proves: nothing, unless it would have to be there.
///
///     ──── forgotten ────┤ life ago ├──── covered ────┤ now
///     ──── another store's ────┤ born ├── covered ────┤ now
///
/// A ledger ends `life` after its last change, and none is older than the data of its store: that
/// may be a new Redis, an old backup, another namespace, or what was left by a FLUSHALL. An event
/// from before either may have been dealt with, so nothing is done on its account any more.
package struct Horizon: Hashable, Sendable {
    /// When the store's data came to be, in milliseconds of its clock; 0 if it always was.
    package var born: Int64
    /// The present moment, in milliseconds since 1970.
    package var now: Int64
    /// How long ledgers are kept after their last change.
    package var life: Duration

    /// A ledger's last tenth, and an hour at the most, counts as its end.
    private static let marginMaximum: Int64 = 3_600_000

    package init(born: Int64, now: Int64, life: Duration) {
        self.born = born
        self.now = now
        self.life = life
    }

    /// The earliest time that is covered.
    package var beginning: Int64 {
        let life = Int64(life.milliseconds)
        let born = PlantedFault.isPlanted(.birthIgnored) ? 0 : self.born
        return max(born, now - life + min(life / 10, Self.marginMaximum))
    }

    /// Whether the ledger of a saga would have to be there.
    ///
    /// - Parameters:
    ///   - made: when an event was made, by the clock of whoever made it.
    ///   - kept: when the store took it, by its own clock; nil if it does not say.
    ///   - margin: how far the clock of whoever made it may be ahead of the store's.
    package func covers(made: Int64, kept: Int64? = nil, margin: Duration = .zero) -> Bool {
        if PlantedFault.isPlanted(.horizonIgnored) { return true }
        guard made - Int64(margin.milliseconds) >= beginning else { return false }
        return kept.map { $0 >= born } ?? true
    }
}
