/// What the tries of one step have come to; pure.
///
///     a try ended because             counts as       may have acted
///     nothing could be sent           not sent        no
///     our own store does not answer   –               yes
///     of anything else                tried           yes
///
/// A pause counts as the try before it. Waiting for a turn is not part of a try.
package struct StepTries: Sendable {
    /// Why a try brought nothing.
    package enum Failure: Hashable, Sendable {
        /// It is certain that nothing of it has reached anybody.
        case unsent
        /// Our own store is away, which says nothing about the step.
        case outage
        /// Anything else.
        case unknown
    }

    /// How many have begun.
    package private(set) var count = 0
    /// Whether any try that is over, of whatever process, may have acted outside.
    package private(set) var mayHaveActed: Bool

    private let limit: Duration
    private let unsentLimit: Duration?
    private var tried: Duration = .zero
    private var unsent: Duration = .zero

    /// - Parameters:
    ///   - limit: for how long it is tried.
    ///   - unsentLimit: for how long nothing may be sent; if nil, that counts as tried.
    ///   - mayHaveActed: whether somebody may have tried before.
    package init(limit: Duration, unsentLimit: Duration? = nil, mayHaveActed: Bool = false) {
        self.limit = limit
        self.unsentLimit = unsentLimit
        self.mayHaveActed = mayHaveActed
    }

    /// Whether it may wait until something can be sent again.
    package var waitsToSend: Bool { unsentLimit != nil }

    /// How long one more try may work.
    package var rest: Duration { max(limit - tried, .seconds(1)) }

    package mutating func begin() { count += 1 }

    /// Notes the end of a try.
    ///
    /// - Parameters:
    ///   - worked: how long it worked.
    ///   - pause: for how long nothing is tried now.
    /// - Returns: whether it is to be tried again.
    package mutating func failed(
        _ failure: Failure, worked: Duration, pause: Duration
    ) -> Bool {
        if failure != .unsent { mayHaveActed = true }
        switch failure {
        case .outage: return true
        case .unsent where unsentLimit != nil: unsent += worked + pause
        case .unsent, .unknown: tried += worked + pause
        }
        return tried <= limit && unsent <= (unsentLimit ?? .zero)
    }
}
