/// Which streams of an owner are read together, which alone as one of them is faulty, and how much
/// one read may bring.
///
///     together ──a read of several fails──▶ each alone, at once ──works──▶ together
///                                             │ fails ▲
///                                             ▼       │
///                                            alone, after a pause
///
///     256 entries ──too large, too slow──▶ 64 ──▶ 16 ──▶ 4 ──▶ 1     each stream by itself
///         ▲   what came would be small enough    │       │     │
///         └──────────────────────────────────────┴───────┴─────┘
///
/// Of a read whose reply did not arrive nothing is known but the IDs that it made pending. Those
/// are fetched in portions of bytes, in which one that is larger than may be read comes as a name.
/// One that is smaller and cannot be fetched alone either, however often, is named as well: but
/// only if it is large enough for its size to be the reason.
package struct ReadPlan {
    /// How much one read may bring.
    package struct Portion: Hashable, Sendable {
        /// Entries of one read.
        package var count: Int
        /// Bytes of what is fetched, of which one entry may be more.
        package var bytes: Int
        /// A larger entry is named only.
        package var entryBytes: Int

        package init(count: Int, bytes: Int, entryBytes: Int) {
            self.count = count
            self.bytes = bytes
            self.entryBytes = entryBytes
        }
    }

    private struct Suspect {
        var failures = 0
        var time: ContinuousClock.Instant
    }

    private struct Cut {
        /// How often its reads were quartered.
        var depth = 0
        /// How many reads in a row have been small enough for larger ones, and how many have to
        /// be: twice as many each time when larger ones proved too large after all.
        var small = 0
        var smallNeeded = 1
        var hasGrown = false
        /// The entry that could not be fetched alone, and how often that was tried.
        var alone: (id: String, failures: Int)?
    }

    /// Entries of one read; more would keep the server from others for too long.
    static let countMaximum = 256
    private static let depthMaximum = 4
    /// So often is an entry tried alone, and at least so large, before its size is the reason.
    static let failuresMaximum = 3
    static let slowBytes = 1024 * 1024
    private static let smallMaximum = 64

    let all: Range<Int>
    let bytesMaximum: Int
    private var suspects: [Int: Suspect] = [:]
    private var cuts: [Int: Cut] = [:]

    init(_ all: Range<Int>, bytesMaximum: Int) {
        self.all = all
        self.bytesMaximum = bytesMaximum
    }

    /// The reads that are due.
    func reads(at now: ContinuousClock.Instant) -> [[Int]] {
        guard !suspects.isEmpty || !cuts.isEmpty else { return [Array(all)] }
        let together = all.filter { suspects[$0] == nil && cuts[$0] == nil }
        let cut = cuts.keys.filter { suspects[$0] == nil }.sorted().map { [$0] }
        let alone = suspects.filter { $0.value.time <= now }.keys.sorted().map { [$0] }
        return together.isEmpty ? cut + alone : [together] + cut + alone
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

    // MARK: - How much

    /// How much the next read of some streams may bring.
    func portion(of streams: [Int]) -> Portion {
        let depth = streams.compactMap { cuts[$0]?.depth }.max() ?? 0
        let tried = streams.compactMap { cuts[$0]?.alone?.failures }.max() ?? 0
        return Portion(
            count: Self.count(depth), bytes: max(1, bytesMaximum >> (2 * depth)),
            entryBytes: tried < Self.failuresMaximum
                ? bytesMaximum : min(Self.slowBytes, bytesMaximum))
    }

    private static func count(_ depth: Int) -> Int { max(1, countMaximum >> (2 * depth)) }

    /// A read of some streams brought more than may be, or did not come in time.
    mutating func wasTooLarge(_ streams: [Int]) {
        for stream in streams {
            var cut = cuts[stream] ?? Cut()
            cut.depth = min(cut.depth + 1, Self.depthMaximum)
            if cut.hasGrown { cut.smallNeeded = min(2 * cut.smallNeeded, Self.smallMaximum) }
            cut.hasGrown = false
            cut.small = 0
            cuts[stream] = cut
        }
    }

    /// Some entries of a stream could not be fetched in time.
    mutating func fetchFailed(_ stream: Int, _ ids: [String]) {
        wasTooLarge([stream])
        guard ids.count == 1, let id = ids.first else {
            cuts[stream]?.alone = nil
            return
        }
        let known = cuts[stream]?.alone
        cuts[stream]?.alone = (id, (known?.id == id ? known?.failures ?? 0 : 0) + 1)
    }

    /// What a read brought of a stream; says how much the next one may bring.
    ///
    /// Half of what is allowed has to be enough for so many of that size: entries differ.
    mutating func brought(_ count: Int, bytes: Int, of stream: Int) {
        guard count > 0 else { return }
        if count > 1, bytes > bytesMaximum / 2 {
            wasTooLarge([stream])
        }
        guard var cut = cuts[stream] else { return }
        cut.alone = nil
        let isSmall = bytes / count * Self.count(cut.depth - 1) <= bytesMaximum / 2
        cut.small = isSmall ? cut.small + 1 : 0
        if cut.small >= cut.smallNeeded {
            cut.depth -= 1
            cut.small = 0
            cut.hasGrown = true
        }
        cuts[stream] = cut.depth == 0 ? nil : cut
    }
}
