// Whether to ask a server that did not answer last time.
//
//   closed ── failure ──▶ open until t ── t passes ──▶ one call tries ── success ──▶ closed
//                           ▲                              │
//                           └──────── failure (longer) ────┘
//
// So an absent Redis costs one request a time-out now and then, and all others nothing.

/// Keeps calls away from a server that does not answer.
///
/// Pure: the caller brings the time.
struct SecondLevelBreaker: Hashable, Sendable {
    private enum Phase: Hashable, Sendable {
        /// Calls go through.
        case closed
        /// None goes through before this time; then one.
        case open(until: ContinuousClock.Instant)
        /// One is trying. If it never ends, another may at this time.
        case trying(until: ContinuousClock.Instant)
    }

    private let shortest: Duration
    private let longest: Duration
    private var phase = Phase.closed
    private var wait: Duration

    init(shortest: Duration = .milliseconds(100), longest: Duration = .seconds(1)) {
        self.shortest = shortest
        self.longest = longest
        wait = shortest
    }

    /// Whether a call may go through now; if so, its end must be told.
    mutating func allows(at now: ContinuousClock.Instant) -> Bool {
        switch phase {
        case .closed:
            return true
        case .open(let until), .trying(let until):
            guard now >= until else { return false }
            phase = .trying(until: now + longest)
            return true
        }
    }

    mutating func succeeded() {
        phase = .closed
        wait = shortest
    }

    mutating func failed(at now: ContinuousClock.Instant) {
        if case .open = phase { return }
        phase = .open(until: now + wait)
        wait = min(wait * 2, longest)
    }
}
