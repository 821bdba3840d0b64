/// Whether a company outside may be called, by what became of the calls before; pure.
///
///               accidents in a row             pause is over
///     closed ─────────────────────▶ open ──────────────────▶ half open: one call tries
///        ▲                           ▲                            │        │
///        │                           └── an accident, longer pause ┘        │
///        └────────────────── it answered ─────────────────────────────────┘
///
/// Calls that began before it opened say nothing any more: only the one that tries decides. If that
/// one comes to no end that tells anything, the next one tries.
package struct CircuitBreaker: Sendable {
    /// Where it stands, as a metric shows it.
    package enum Phase: Int, Hashable, Sendable { case closed, halfOpen, open }

    /// What a call may do.
    package enum Admission: Hashable, Sendable {
        /// Go on; its end belongs to this round.
        case call(round: Int)
        /// Not before then, if the company is well.
        case refused(until: ContinuousClock.Instant)
    }

    /// What the end of a call tells of the company.
    package enum Ending: Hashable, Sendable {
        /// It answered, whatever.
        case answered
        /// Nobody knows what it did, or it said that it is not well.
        case accident
        /// Nothing: it was not called, or its caller went away.
        case nothing
    }

    private enum State: Sendable {
        case closed(accidents: Int)
        case open(until: ContinuousClock.Instant)
        case trying(since: ContinuousClock.Instant)
    }

    private let opensAfter: Int
    private let pauses: ClosedRange<Duration>
    private var state = State.closed(accidents: 0)
    /// Changes with each change of state, so that a call knows whether its end still counts.
    private var round = 0
    /// How often it has opened since it was closed last.
    private var times = 0

    package init(opensAfter accidents: Int, pauses: ClosedRange<Duration>) {
        opensAfter = max(1, accidents)
        self.pauses = pauses
    }

    package var phase: Phase {
        switch state {
        case .closed: .closed
        case .open: .open
        case .trying: .halfOpen
        }
    }

    /// Whether a call would be refused now, and until when; nil if not.
    package func refusal(at now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        switch state {
        case .closed: nil
        case .open(let end): end > now ? end : nil
        // It may take as long as it takes; who waits looks again soon.
        case .trying: now + pauses.lowerBound
        }
    }

    /// Lets a call begin, or not.
    package mutating func admit(at now: ContinuousClock.Instant) -> Admission {
        if let end = refusal(at: now) { return .refused(until: end) }
        if case .open = state { enter(.trying(since: now)) }
        return .call(round: round)
    }

    /// Hears of the end of a call.
    package mutating func ended(
        _ ending: Ending, round: Int, at now: ContinuousClock.Instant
    ) {
        guard round == self.round else { return }
        switch (state, ending) {
        case (.open, _), (.closed, .nothing): break
        case (.closed(0), .answered): break
        case (.closed, .answered): state = .closed(accidents: 0)
        case (.closed(let accidents), .accident):
            if accidents + 1 < opensAfter {
                state = .closed(accidents: accidents + 1)
            } else {
                open(at: now)
            }
        case (.trying, .accident): open(at: now)
        case (.trying, .nothing): enter(.open(until: now))
        case (.trying, .answered):
            times = 0
            enter(.closed(accidents: 0))
        }
    }

    private mutating func open(at now: ContinuousClock.Instant) {
        let pause = pauses.lowerBound * Double(1 << min(times, 30))
        times += 1
        enter(.open(until: now + min(pause, pauses.upperBound)))
    }

    private mutating func enter(_ next: State) {
        state = next
        round += 1
    }
}
