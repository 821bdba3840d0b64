/// Whether a company outside may be called, by what became of the calls before; pure.
///
///               accidents in a row             pause is over
///     closed ─────────────────────▶ open ──────────────────▶ half open: one call tries
///        ▲                           ▲                            │        │
///        │                           └── an accident, longer pause ┘        │
///        └────────────────── it answered ─────────────────────────────────┘
///
/// Calls that began before it opened say nothing any more: only the one that tries decides. If that
/// one comes to no end that tells anything, the next one tries. One that lasts for the longest
/// pause counts as an accident, and the next one tries beside it: whoever calls may never come
/// back. Should it be answered after all, the company is well.
///
/// Many accidents are accidents of many sagas: what one of them repeats may be its own fault. So
/// each counts once in a row, and one that had an accident before makes no pause longer.
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
        case closed
        case open(until: ContinuousClock.Instant)
        /// - Parameter first: the round of the first one that tries since it was open.
        case trying(since: ContinuousClock.Instant, first: Int)
    }

    /// Whose accidents there were since the company answered last.
    private struct Accidents: Sendable {
        /// More are not told from each other: a company that is down for days has met many.
        private static let sagasMaximum = 1000

        private var sagas: Set<String> = []
        private(set) var count = 0

        /// False if that saga had one before; what is of no saga is always another one.
        mutating func note(_ saga: String?) -> Bool {
            if let saga, sagas.contains(saga) { return false }
            if let saga, sagas.count < Self.sagasMaximum { sagas.insert(saga) }
            count += 1
            return true
        }
    }

    private let opensAfter: Int
    private let pauses: ClosedRange<Duration>
    private var state = State.closed
    private var accidents = Accidents()
    /// Changes with each change of state, so that a call knows whether its end still counts.
    private var round = 0
    /// How often its pause has grown since it was closed last.
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
        // Who waits looks again soon.
        case .trying(let since, _):
            isTryLost(at: now) ? nil : min(now + pauses.lowerBound, since + pauses.upperBound)
        }
    }

    /// Whether the call that tries has lasted for so long that nobody waits for its end any more.
    package func isTryLost(at now: ContinuousClock.Instant) -> Bool {
        guard case .trying(let since, _) = state else { return false }
        return now - since >= pauses.upperBound
    }

    /// Lets a call begin, or not.
    package mutating func admit(at now: ContinuousClock.Instant) -> Admission {
        if let end = refusal(at: now) { return .refused(until: end) }
        switch state {
        case .closed: break
        case .open: enter(.trying(since: now, first: round + 1))
        case .trying(_, let first):
            times += 1
            enter(.trying(since: now, first: first))
        }
        return .call(round: round)
    }

    /// Hears of the end of a call.
    ///
    /// - Parameter saga: whose call it was; nil for one of none, as a look at books.
    package mutating func ended(
        _ ending: Ending, round: Int, of saga: String?, at now: ContinuousClock.Instant
    ) {
        guard round == self.round || ending == .answered && hasTried(in: round) else { return }
        switch (state, ending) {
        case (.open, _), (.closed, .nothing): break
        case (.closed, .answered): accidents = Accidents()
        case (.closed, .accident):
            _ = accidents.note(saga)
            if accidents.count >= opensAfter { open(at: now) }
        case (.trying, .accident):
            if accidents.note(saga) { times += 1 }
            open(at: now)
        case (.trying, .nothing): enter(.open(until: now))
        case (.trying, .answered):
            times = 0
            accidents = Accidents()
            enter(.closed)
        }
    }

    /// Whether a call of that round is one that tries since it was open, or has done so.
    private func hasTried(in round: Int) -> Bool {
        guard case .trying(_, let first) = state else { return false }
        return round >= first
    }

    private mutating func open(at now: ContinuousClock.Instant) {
        let pause = pauses.lowerBound * Double(1 << min(times, 30))
        enter(.open(until: now + min(pause, pauses.upperBound)))
    }

    private mutating func enter(_ next: State) {
        state = next
        round += 1
    }
}
