/// What is told of dead letters, of which there may be a flood; pure.
///
///     first of its kind ──▶ told at once, with all that is known of it
///     more of it ─────────▶ counted, and the count told every ten seconds
///
/// A kind is a code and a stream; there are no more of them than a service has of both together.
package struct DeadLetterLog: Sendable {
    /// What letters of one line have in common.
    package struct Kind: Hashable, Sendable {
        package var reason: DeadLetter.Reason
        package var stream: String

        package init(_ reason: DeadLetter.Reason, of stream: String) {
            self.reason = reason
            self.stream = stream
        }
    }

    private struct Told {
        var time: ContinuousClock.Instant
        var untold = 0
    }

    private static let interval: Duration = .seconds(10)
    private var told: [Kind: Told] = [:]

    package init() {}

    /// Counts a letter; whether it is to be told at once.
    package mutating func note(_ kind: Kind, at now: ContinuousClock.Instant) -> Bool {
        if told[kind] != nil {
            told[kind]?.untold += 1
            return false
        }
        told[kind] = Told(time: now)
        return true
    }

    /// The counts that are to be told now, the most first.
    package mutating func due(
        at now: ContinuousClock.Instant
    ) -> [(kind: Kind, count: Int)] {
        take { now - $0 >= Self.interval }
    }

    /// All that was not told, at the end.
    package mutating func rest() -> [(kind: Kind, count: Int)] { take { _ in true } }

    private mutating func take(
        _ isDue: (ContinuousClock.Instant) -> Bool
    ) -> [(kind: Kind, count: Int)] {
        if told.isEmpty { return [] }
        var due: [(kind: Kind, count: Int)] = []
        for (kind, known) in told where isDue(known.time) {
            guard known.untold > 0 else {
                told[kind] = nil
                continue
            }
            due.append((kind, known.untold))
            told[kind] = Told(time: known.time + Self.interval)
        }
        return due.sorted { ($0.count, $0.kind.stream) > ($1.count, $1.kind.stream) }
    }
}
