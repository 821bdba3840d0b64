import Gateway

// When may the cache be used? Never while an event may have been missed.
//
//              active              fence                 caughtUp(round)
//   waiting ────────────▶ listening ─────▶ catching up ──────────────────▶ live
//      ▲                                       ▲   │ held for a while         │
//      └── interrupted ────────────────────────┼───┴──────▶ held ── fence ───▶│
//                                              └──────── a fence with a gap ◀─┘
//
// A round is a time without a gap: one subscription, from one fence on. What a catch-up of an
// earlier round found out says nothing about the present one, and one that began before the fence
// from which messages are counted could leave out what came between the two.
//
// Silence is not a state: what is kept is not given while the last fence is too old, and is as good
// as before once another one is back, since all messages before it have come or show as a gap.
//
// A gap that comes again and again has a cause (the right to publish is missing), and each time
// an answer was old until the next fence. So the cache stays unused for longer after each.

/// Where the feed stands.
///
/// Pure: it is told what happened and when, and says what to do.
struct FeedState: Hashable, Sendable {
    private enum Phase: Hashable, Sendable {
        /// Not subscribed. Messages are missed.
        case waiting
        /// Subscribed. From which message on they are counted is not known yet.
        case listening
        /// What was missed before is being read from the streams.
        case catchingUp
        /// Nothing is missed, but not long ago something was.
        case held
        /// Nothing is missed.
        case live
    }

    enum Action: Hashable, Sendable {
        case none
        case suspend
        case catchUp(round: Int)
        case suspendAndCatchUp(round: Int)
        case resume
    }

    private var phase = Phase.waiting
    /// Counts the times without a gap.
    private(set) var round = 0
    private var gaps = 0
    private var lastGap = Moment.earliest
    /// Until when the cache stays unused after the last gap.
    private(set) var heldUntil = Moment.earliest
    private let silence: Duration

    /// Gaps farther apart than this have nothing to do with each other.
    private static let gapMemory = Duration.seconds(600)
    /// The cache is not left unused for longer than this after a gap.
    private static let longestHold = Duration.seconds(60)

    init(silence: Duration = .seconds(1)) {
        self.silence = silence
    }

    var isLive: Bool { phase == .live }

    /// Everything published from here on will come.
    mutating func active() -> Action {
        let wasLive = isLive
        phase = .listening
        round += 1
        return wasLive ? .suspend : .none
    }

    /// Messages are missed from here on, or have been.
    mutating func interrupted() -> Action {
        let wasLive = isLive
        phase = .waiting
        round += 1
        return wasLive ? .suspend : .none
    }

    /// A fence came back: everything published before it has come, but for a gap if it shows one.
    mutating func fenced(hasGap: Bool, at now: Moment) -> Action {
        switch phase {
        case .waiting:
            return .none
        case .listening:
            phase = .catchingUp
            return .catchUp(round: round)
        case .catchingUp, .held, .live:
            if hasGap { return gap(at: now) }
            guard phase == .held, now >= heldUntil else { return .none }
            phase = .live
            return .resume
        }
    }

    private mutating func gap(at now: Moment) -> Action {
        let wasLive = isLive
        if lastGap > .earliest, now - lastGap > FeedState.gapMemory { gaps = 0 }
        let hold = silence * (1 << min(gaps, 10))
        lastGap = now
        heldUntil = now + min(hold, FeedState.longestHold)
        gaps += 1
        phase = .catchingUp
        round += 1
        return wasLive ? .suspendAndCatchUp(round: round) : .catchUp(round: round)
    }

    /// All that was missed before this round is raised.
    mutating func caughtUp(round: Int, at now: Moment) -> Action {
        guard phase == .catchingUp, round == self.round else { return .none }
        phase = now < heldUntil ? .held : .live
        return isLive ? .resume : .none
    }
}
