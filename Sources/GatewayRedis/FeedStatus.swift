public import Gateway

/// Whether a gateway's cache is in use, for readiness.
public enum FeedStatus: Hashable, Sendable {
    /// It is, or was a moment ago.
    case ok
    /// It is not: answers come from the services alone.
    ///
    /// The reason is a sentence for a person, and names the right that is missing, if that is it.
    case suspended(since: Moment, reason: String)
}

/// Why the cache is not in use, kept until it is again.
///
/// Pure. What a server refused says more than that nothing was heard, and so stands over it.
struct SuspensionReport: Hashable, Sendable {
    private var since: Moment?
    private var reason = ""
    private var refusal: String?

    init(since moment: Moment, _ reason: String) {
        since = moment
        self.reason = reason
    }

    mutating func suspended(at now: Moment, _ reason: String) {
        since = since ?? now
        self.reason = reason
    }

    mutating func resumed() {
        since = nil
        refusal = nil
    }

    /// A command that the feed needs was refused, or Redis did not answer it; nil once it did.
    mutating func refused(_ refusal: String?) { self.refusal = refusal }

    var status: FeedStatus {
        guard let since else { return .ok }
        return .suspended(since: since, reason: refusal ?? reason)
    }
}
