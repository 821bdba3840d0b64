/// Which streams of an owner are read together, and which alone as one of them is faulty.
///
///     together ──a read of several fails──▶ each alone, at once ──works──▶ together
///                                             │ fails ▲
///                                             ▼       │
///                                            alone, after a pause
struct ReadPlan {
    private struct Suspect {
        var failures = 0
        var time: ContinuousClock.Instant
    }

    let all: Range<Int>
    private var suspects: [Int: Suspect] = [:]

    init(_ all: Range<Int>) {
        self.all = all
    }

    /// The reads that are due.
    func reads(at now: ContinuousClock.Instant) -> [[Int]] {
        guard !suspects.isEmpty else { return [Array(all)] }
        let together = all.filter { suspects[$0] == nil }
        let alone = suspects.filter { $0.value.time <= now }.keys.sorted().map { [$0] }
        return together.isEmpty ? alone : [together] + alone
    }

    /// When the first one is due if nothing is until then; nil if some streams can be read.
    var pauseEnd: ContinuousClock.Instant? {
        suspects.count < all.count ? nil : suspects.values.map(\.time).min()
    }

    func failures(of streams: [Int]) -> Int {
        streams.count == 1 ? suspects[streams[0]]?.failures ?? 0 : 0
    }

    mutating func worked(_ streams: [Int]) {
        guard !suspects.isEmpty else { return }
        for stream in streams { suspects[stream] = nil }
    }

    /// One of them is faulty; if it is alone, it is that one.
    mutating func failed(_ streams: [Int], until time: ContinuousClock.Instant) {
        let failures = failures(of: streams) + (streams.count == 1 ? 1 : 0)
        for stream in streams { suspects[stream] = Suspect(failures: failures, time: time) }
    }
}
