// When may the cache be used? Never while an event may have been missed.
//
//              active                 caughtUp(round)
//   waiting ────────────▶ catching up ────────────────▶ live
//      ▲                       │  ▲                      │
//      └──── interrupted ──────┘  │      echo            │ silent
//      └──────────────── interrupted ────────────────────┤
//                                 └──────── silent ◀─────┘
//
// A round is one subscription without a gap. What a catch-up of an earlier round found out says
// nothing about the present one.

/// Where the feed stands.
///
/// Pure: it is told what happened and says what to do.
struct FeedState: Hashable, Sendable {
    private enum Phase: Hashable, Sendable {
        /// Not subscribed. Messages are missed.
        case waiting
        /// Subscribed. What was missed before is being read from the streams.
        case catchingUp
        /// Nothing is missed.
        case live
        /// Subscribed, but the feed's own messages do not come back.
        case silent
    }

    enum Action: Hashable, Sendable {
        case none
        case suspend
        case catchUp(round: Int)
        case suspendAndCatchUp(round: Int)
        case resume
    }

    private var phase = Phase.waiting
    /// Counts the subscriptions without a gap.
    private(set) var round = 0

    var isLive: Bool { phase == .live }

    /// Everything published from here on will come.
    mutating func active() -> Action {
        let wasLive = phase == .live
        phase = .catchingUp
        round += 1
        return wasLive ? .suspendAndCatchUp(round: round) : .catchUp(round: round)
    }

    /// Messages are missed from here on, or have been.
    mutating func interrupted() -> Action {
        let wasLive = phase == .live
        phase = .waiting
        round += 1
        return wasLive ? .suspend : .none
    }

    /// All that was missed before this round is raised.
    mutating func caughtUp(round: Int) -> Action {
        guard phase == .catchingUp, round == self.round else { return .none }
        phase = .live
        return .resume
    }

    /// The feed's own message did not come back in time.
    mutating func silent() -> Action {
        guard phase == .live else { return .none }
        phase = .silent
        return .suspend
    }

    /// The feed's own message came back; what was published before it has come.
    mutating func echoed() -> Action {
        guard phase == .silent else { return .none }
        return active()
    }
}
