// The life of a connection that is wanted. Pure: no clock, no socket.
//
//             wanted               greeted
//    idle ────────────▶ connecting ──────────▶ ready
//                         ▲    │                 │
//               pauseOver │    └─ lost ─┬─ lost ─┘
//                         │             ▼
//                         └────────  pausing
//
//    A server that greets back and then turns us away, as a replica does that was a primary, is as
//    good as none: the pauses go on growing until a link has held for a while.
//
//    closed: from everywhere, for good. A connection that must not come back (a lease, which
//    would lose its WATCH) goes there when it is lost.

/// Where one connection stands, and what to do next.
struct ConnectionState {
    enum Phase: Equatable {
        case idle, connecting, ready, pausing, closed
    }

    enum Action: Equatable {
        case none
        case connect
        case pause(Duration)
        case stop
    }

    private(set) var phase = Phase.idle
    /// Attempts that failed since the last success.
    private(set) var failures = 0
    /// Links in a row that the server turned away soon.
    private var turnedAway = 0
    private var isTurningAway = false
    private let comesBack: Bool
    private let backoff: Backoff

    init(comesBack: Bool, backoff: Backoff) {
        self.comesBack = comesBack
        self.backoff = backoff
    }

    var isReady: Bool { phase == .ready }
    var isClosed: Bool { phase == .closed }

    mutating func wanted() -> Action {
        guard phase == .idle else { return .none }
        phase = .connecting
        return .connect
    }

    mutating func greeted() {
        guard phase == .connecting else { return }
        phase = .ready
        failures = turnedAway
    }

    /// The server says that it is not the one to write to; the link's loss follows.
    mutating func turnAway() {
        isTurningAway = true
    }

    private static let steady: Duration = .seconds(5)

    /// - Parameter held: for how long the link was ready; zero if it never was.
    mutating func lost<Generator: RandomNumberGenerator>(
        after held: Duration, _ random: inout Generator
    ) -> Action {
        switch phase {
        case .closed, .idle, .pausing: return .none
        case .connecting, .ready: break
        }
        if held >= Self.steady {
            failures = 0
            turnedAway = 0
        }
        if isTurningAway { turnedAway += 1 }
        isTurningAway = false
        guard comesBack else {
            phase = .closed
            return .stop
        }
        let delay = backoff.delay(after: failures, &random)
        failures += 1
        phase = .pausing
        return .pause(delay)
    }

    mutating func pauseOver() -> Action {
        guard phase == .pausing else { return .none }
        phase = .connecting
        return .connect
    }

    /// True the first time.
    mutating func close() -> Bool {
        defer { phase = .closed }
        return phase != .closed
    }
}

/// Full jitter: a random pause up to a bound that doubles, so that many clients of a server
/// that returns do not all come in the same moment.
struct Backoff {
    var minimum: Duration
    var maximum: Duration

    func delay<Generator: RandomNumberGenerator>(
        after failures: Int, _ random: inout Generator
    ) -> Duration {
        let bound = min(minimum * (1 << min(failures, 16)), maximum)
        return bound * Double.random(in: 0...1, using: &random)
    }
}
