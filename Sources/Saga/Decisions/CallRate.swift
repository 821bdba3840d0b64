/// When calls may begin of which there are to be no more than so many a second; pure.
///
///     tokens come one an interval, up to `burst`; each call takes one, or waits for its own
///
///     reserve ──▶ the moment at which it may begin, the present or a later one
///        ▲            │ it goes without having begun
///        └─ give back ┘
///
/// It counts by the moment at which the bucket will be full again, so there is nothing to refill.
/// Whoever waits holds a moment of its own, in the order of arrival; one that is given back goes to
/// the next who comes, and is lost once it has passed.
package struct CallRate: Sendable {
    private let interval: Duration
    private let burst: Int
    /// When all tokens are there again.
    private var full: ContinuousClock.Instant?
    /// Moments to come that nobody needs any more, the earliest first.
    private var returned: [ContinuousClock.Instant] = []

    /// At least one call a second.
    package init(perSecond count: Int) {
        let count = max(1, count)
        burst = max(1, count / 10)
        // Those that begin at once and those that come within a second of them are `count`.
        let others = count - burst + 1
        interval = .nanoseconds((1_000_000_000 + others - 1) / others)
    }

    /// Takes a token: when its call may begin.
    package mutating func reserve(at now: ContinuousClock.Instant) -> ContinuousClock.Instant {
        returned.removeAll { $0 <= now }
        if !returned.isEmpty { return returned.removeFirst() }
        let next = max(full ?? now, now)
        full = next + interval
        return max(now, next - interval * (burst - 1))
    }

    /// Its call does not begin.
    package mutating func giveBack(
        _ moment: ContinuousClock.Instant, at now: ContinuousClock.Instant
    ) {
        guard moment > now else { return }
        let place = returned.firstIndex { $0 > moment } ?? returned.endIndex
        returned.insert(moment, at: place)
    }
}
