/// A key that bears one name for as long as a system has data, and what it has to hold.
///
/// Whoever defines such a key lists it: a key of another type under its name stops all work that
/// goes through it, so readiness looks at each of them.
public struct RedisStandingKey: Hashable, Sendable {
    /// The types of values, as `TYPE` calls them.
    public enum Kind: String, Sendable {
        /// Fields and values.
        case hash
        /// Bytes, or a number.
        case string
        /// Entries in the order of their IDs.
        case stream
        /// Members in the order of their scores.
        case sortedSet = "zset"
    }

    /// The whole name, with its namespace.
    public var name: String
    /// What has to be there, if anything is.
    public var kind: Kind

    /// The key of that name.
    public init(_ name: String, _ kind: Kind) {
        self.name = name
        self.kind = kind
    }
}
