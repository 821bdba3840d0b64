/// Decides whether a call that failed is tried once more; pure.
///
/// A call is tried again only if doing it twice is the same as doing it once, or if the upstream
/// cannot have seen it. The budget keeps second tries from multiplying the load on an upstream
/// that is failing: they may be a share of the calls under way, and three at once always may.
struct RetryRule {
    let attempts: Int
    let budget: Double
    private(set) var callsUnderWay = 0
    private(set) var retriesUnderWay = 0

    private static let alwaysAllowed = 3

    init(attempts: Int, budget: Double) {
        self.attempts = attempts
        self.budget = budget
    }

    mutating func callBegan() { callsUnderWay += 1 }

    mutating func callEnded(retried: Bool) {
        callsUnderWay -= 1
        if retried { retriesUnderWay -= 1 }
    }

    /// Returns whether to try again, and if so counts it.
    mutating func allowsRetry(
        after failure: UpstreamFailure, tries: Int, isIdempotent: Bool, isFirstRetry: Bool
    ) -> Bool {
        switch failure.kind {
        case .overloaded, .tooLarge, .unsendable, .cancelled, .stopped: return false
        case .unreachable, .timedOut, .closedEarly, .broken: break
        }
        guard tries < attempts, isIdempotent || !failure.wasSent else { return false }
        guard isFirstRetry else { return true }
        let limit = max(Self.alwaysAllowed, Int(Double(callsUnderWay) * budget))
        guard retriesUnderWay < limit else { return false }
        retriesUnderWay += 1
        return true
    }
}
