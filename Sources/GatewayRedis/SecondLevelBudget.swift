// What one gateway makes the second level hold, as it remembers it:
//
//   entries       bytes by the second in which they end; over the limit nothing is stored
//   generations   begun in the present window; over the limit none is begun until the next
//
// Anybody can ask for addresses without end. Times to live bound how long what they leave is
// there; this bounds how much it is.

/// Bounds what a gateway puts into the second level.
///
/// Pure: the caller brings the time. A gateway that starts again has forgotten what it stored.
struct SecondLevelBudget: Sendable {
    private let byteLimit: Int
    private let generationLimit: Int
    private let window: Duration
    /// Bytes by the whole second, since `start`, after which they are gone.
    private var bytes: [Int64: Int] = [:]
    private var total = 0
    private let start: ContinuousClock.Instant
    private var swept: Int64 = 0
    private var begun = 0
    private var windowEnd: ContinuousClock.Instant

    init(
        byteLimit: Int, generationLimit: Int, window: Duration, at now: ContinuousClock.Instant
    ) {
        self.byteLimit = byteLimit
        self.generationLimit = generationLimit
        self.window = window
        start = now
        windowEnd = now + window
    }

    /// Whether an entry may be stored; if so, it is counted until its life ends.
    mutating func takes(
        _ size: Int, for lifetime: Duration, at now: ContinuousClock.Instant
    ) -> Bool {
        sweep(now)
        guard total + size <= byteLimit else { return false }
        total += size
        bytes[(now + lifetime - start).components.seconds + 1, default: 0] += size
        return true
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
