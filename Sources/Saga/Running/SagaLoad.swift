/// How many sagas are under way, and whether one that begins now can meet its deadline.
public struct SagaLoad: Hashable, Sendable {
    /// How many have begun, and can still be expected to end.
    public var open: Int
    /// How many end in a second while many are open; nil if that is not known, or few are.
    public var endsPerSecond: Double?
    /// When to ask again if one that begins now would end too late; nil if it would not.
    public var retryAfter: Duration?

    /// Whether a saga that begins now can be expected to end before its deadline.
    ///
    /// True also while nobody can tell.
    public var canMeetDeadline: Bool { retryAfter == nil }

    /// Nothing known, and nothing refused, unless it is said.
    public init(open: Int = 0, endsPerSecond: Double? = nil, retryAfter: Duration? = nil) {
        self.open = open
        self.endsPerSecond = endsPerSecond
        self.retryAfter = retryAfter
    }
}
