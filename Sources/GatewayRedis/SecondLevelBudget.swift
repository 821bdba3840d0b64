import Gateway

// What one gateway makes the second level hold, as it remembers it:
//
//   entries       bytes by the second in which they end; over the limit nothing is stored.
//                 One that is written over ends then: its charge is found by its key. Of more keys
//                 than are remembered, the charge stays until the entry would have ended
//   generations   begun in the present window; over the limit none is begun until the next
//
// Anybody can ask for addresses without end. Times to live bound how long what they leave is
// there; this bounds how much it is.

/// Bounds what a gateway puts into the second level.
///
/// Pure: the caller brings the time. A gateway that starts again has forgotten what it stored.
struct SecondLevelBudget: Sendable {
    /// What one entry costs until it ends.
    struct Charge: Sendable {
        fileprivate let key: CacheKey
        fileprivate let size: Int
        /// The whole second, since `start`, after which it is gone.
        fileprivate let end: Int64
    }

    private let byteLimit: Int
    private let keyLimit: Int
    private let generationLimit: Int
    private let window: Duration
    /// Bytes by the whole second, since `start`, after which they are gone.
    private var bytes: [Int64: Int] = [:]
    private var total = 0
    /// The charges that can be settled before they end, some of which have ended.
    private var charges: [CacheKey: Charge] = [:]
    /// The second in which the charges that have ended were last taken out.
    private var tidied: Int64 = 0
    private let start: ContinuousClock.Instant
    private var swept: Int64 = 0
    private var begun = 0
    private var windowEnd: ContinuousClock.Instant

    init(
        byteLimit: Int, generationLimit: Int, keyLimit: Int = 65_536, window: Duration,
        at now: ContinuousClock.Instant
    ) {
        self.byteLimit = byteLimit
        self.keyLimit = keyLimit
        self.generationLimit = generationLimit
        self.window = window
        start = now
        windowEnd = now + window
    }

    /// Whether there is room for an entry now.
    mutating func hasRoom(
        for size: Int, of key: CacheKey, at now: ContinuousClock.Instant
    ) -> Bool {
        sweep(now)
        return total - (known(key)?.size ?? 0) + size <= byteLimit
    }

    /// Counts an entry until its life ends; nil if there is no room for it.
    ///
    /// To be followed by `stored` or `giveBack`, as it turns out.
    mutating func charge(
        _ size: Int, of key: CacheKey, for lifetime: Duration, at now: ContinuousClock.Instant
    ) -> Charge? {
        guard hasRoom(for: size, of: key, at: now) else { return nil }
        let end = (now + lifetime - start).components.seconds + 1
        total += size
        bytes[end, default: 0] += size
        return Charge(key: key, size: size, end: end)
    }

    /// The entry is there, and the one of the same key before it is not.
    mutating func stored(_ charge: Charge) {
        if let old = known(charge.key) { remove(old) }
        remember(charge)
    }

    /// The entry was not stored; one of the same key before it may still be there.
    mutating func giveBack(_ charge: Charge, at now: ContinuousClock.Instant) {
        sweep(now)
        remove(charge)
    }

    /// Whether generations may be begun.
    mutating func mayBegin(at now: ContinuousClock.Instant) -> Bool {
        if now >= windowEnd {
            begun = 0
            windowEnd = now + window
        }
        return begun < generationLimit
    }

    /// So many were begun.
    mutating func began(_ count: Int) { begun += count }

    /// The charge of a key that has not ended.
    private func known(_ key: CacheKey) -> Charge? {
        charges[key].flatMap { $0.end > swept ? $0 : nil }
    }

    private mutating func remember(_ charge: Charge) {
        charges[charge.key] = nil
        if charges.count >= keyLimit { tidy() }
        if charges.count < keyLimit { charges[charge.key] = charge }
    }

    /// Once a second at most, as it looks at all of them.
    private mutating func tidy() {
        guard swept > tidied else { return }
        tidied = swept
        charges = charges.filter { $0.value.end > swept }
    }

    private mutating func remove(_ charge: Charge) {
        guard charge.end > swept, let sum = bytes[charge.end] else { return }
        total -= charge.size
        bytes[charge.end] = sum > charge.size ? sum - charge.size : nil
    }

    private mutating func sweep(_ now: ContinuousClock.Instant) {
        let second = (now - start).components.seconds
        guard second > swept else { return }
        swept = second
        for (end, size) in bytes where end <= second {
            total -= size
            bytes[end] = nil
        }
    }
}
