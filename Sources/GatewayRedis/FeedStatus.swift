public import Gateway

/// Whether a gateway's cache is in use, for readiness.
public enum FeedStatus: Hashable, Sendable {
    /// It is, or was a moment ago.
    case ok
    /// It is not until then, because events were missed; it comes back by itself.
    case held(until: Moment, reason: String)
    /// It is not: answers come from the services alone.
    ///
    /// Counted from when nothing but the feed itself kept it out of use.
    /// The reason is a sentence for a person, and names the right that is missing, if that is it.
    case suspended(since: Moment, reason: String)

    /// Why the cache is not in use, as `/readyz` may show it; nil if it is.
    public var reason: String? {
        switch self {
        case .ok: nil
        case .held(_, let reason), .suspended(_, let reason): reason
        }
    }
}

/// Why the cache is not in use, kept until it is again.
///
/// Pure. What a server refused says more than that nothing was heard, and so stands over it.
struct SuspensionReport: Hashable, Sendable {
    private var since: Moment?
    private var reason = ""
    private var refusal: String?
    /// When Redis last did not do what the feed asked for, for a reason that passes by itself.
    private(set) var hinderedAt = Moment.earliest

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

    /// A command that the feed needs was refused, or Redis did not answer it.
    ///
    /// - Parameter passes: whether that may pass without anybody's help.
    mutating func refused(_ refusal: String, passes: Bool, at now: Moment) {
        self.refusal = refusal
        if passes { hinderedAt = now }
    }

    /// Redis does again what the feed asks for.
    mutating func answered() { refusal = nil }

    /// How things stand.
    ///
    /// - Parameter heldUntil: until when the cache stays unused after the last gap.
    func status(heldUntil: Moment, at now: Moment) -> FeedStatus {
        guard let since else { return .ok }
        let reason = refusal ?? reason
        if now < heldUntil { return .held(until: heldUntil, reason: reason) }
        return .suspended(since: max(since, hinderedAt, heldUntil), reason: reason)
    }
}
