import DequeModule

/// Whether sagas that begin now can be expected to end before their deadline; pure.
///
///     open sagas ÷ ends a second = how long one that begins now will take
///
///                      more than half of the deadline
///     they are begun ──────────────────────────────────▶ they are refused
///                    ◀──────────────────────────────────
///                      less than three eighths, or few are open
///
/// Nothing is refused before it is known how fast sagas end while many are open: that takes a
/// quarter of the deadline. What hangs, as a saga that is blocked, is not open for this: its timer
/// is further away than any deadline, or it began before all that could still meet theirs.
package struct LoadGauge: Sendable {
    /// What the store said at one moment; everything since its data came to be.
    package struct Look: Hashable, Sendable {
        package var time: ContinuousClock.Instant
        /// Sagas that began.
        package var begun: Int
        /// Sagas that ended, in whatever way.
        package var ended: Int
        /// Timers that are set: every saga that is still under way has one.
        package var timers: Int
        /// Those of them that are further away than a deadline can be.
        package var farTimers: Int

        package init(
            at time: ContinuousClock.Instant, begun: Int, ended: Int, timers: Int, farTimers: Int
        ) {
            self.time = time
            self.begun = begun
            self.ended = ended
            self.timers = timers
            self.farTimers = farTimers
        }
    }

    /// So few are never too many.
    package static let fewSagas = 64
    /// Looks that are kept, over one deadline.
    private static let looksMaximum = 64

    private let deadline: Duration
    private var looks: Deque<Look> = []
    private var busySince: ContinuousClock.Instant?

    /// What follows from the latest look.
    package private(set) var load = SagaLoad()

    package init(deadline: Duration) {
        self.deadline = deadline
    }

    /// Nobody can tell any more: then everything is begun.
    package mutating func forget() {
        self = LoadGauge(deadline: deadline)
    }

    package mutating func note(_ look: Look) {
        // Another store, or this one with older data: what was counted before says nothing.
        if let last = looks.last,
            look.begun < last.begun || look.ended < last.ended || look.time < last.time
        {
            forget()
        }
        keep(look)
        let open = open(look)
        guard open > Self.fewSagas else {
            busySince = nil
            load = SagaLoad(open: open)
            return
        }
        let since = busySince ?? look.time
        busySince = since
        let rate = look.time - since < deadline / 4 ? nil : rate(look, since)
        load = SagaLoad(open: open, endsPerSecond: rate, retryAfter: retryAfter(open, rate))
    }

    private mutating func keep(_ look: Look) {
        // One at the end of the deadline is enough.
        while looks.count > 1, look.time - looks[1].time >= deadline { looks.removeFirst() }
        if looks.count > 1, look.time - looks[looks.count - 2].time < deadline / Self.looksMaximum {
            looks.removeLast()
        }
        looks.append(look)
    }

    private func open(_ look: Look) -> Int {
        var open = min(look.begun - look.ended, look.timers - look.farTimers)
        if let first = looks.first, look.time - first.time >= deadline {
            open = min(open, look.begun - first.begun)
        }
        return max(open, 0)
    }

    /// Over a third of the deadline, as far as many were open for this long.
    private func rate(_ look: Look, _ since: ContinuousClock.Instant) -> Double? {
        let begin = max(since, look.time - deadline / 3)
        guard let first = looks.last(where: { $0.time <= begin }) ?? looks.first,
            first.time < look.time
        else { return nil }
        return Double(look.ended - first.ended) / ((look.time - first.time) / .seconds(1))
    }

    /// When to come again; nil if nothing has to be refused.
    private func retryAfter(_ open: Int, _ rate: Double?) -> Duration? {
        guard let rate else { return nil }
        let half = deadline / 2
        guard rate > 0 else { return half }
        let wait = Duration.seconds(min(Double(open) / rate, 1e6))
        guard wait > (load.retryAfter == nil ? half : deadline * 3 / 8) else { return nil }
        return min(max(wait - deadline * 3 / 8, .seconds(1)), half)
    }
}
