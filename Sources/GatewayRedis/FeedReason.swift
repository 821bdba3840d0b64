import TroupeRedis

/// Why a cache is not in use, in sentences for a person who can do something about it.
enum FeedReason {
    static let starting = "the feed of events has not caught up yet"
    static let interrupted = "the subscription is interrupted"
    static let subscribing = "the subscription is new, and what was missed is being read"
    static let silent = "no heartbeat came back from Redis in time"

    /// Events of these types lie in their streams, and no message told of them.
    static func missing(_ types: [String]) -> String {
        let channels = types.map { "&saga.\($0)" }.joined(separator: " ")
        return "events came without their message: \(types.joined(separator: ", ")); if it happens "
            + "again, the Redis user of the service that emits them lacks +publish \(channels)"
    }

    /// Redis refused, or did not answer, a command of the feed.
    ///
    /// What to do about it is said by whoever knows all rights of the process.
    static func refused(_ error: RedisError) -> String {
        guard error.outcome == .answered else { return "Redis does not answer: \(error.message)" }
        return "Redis refused: \(error.message)"
    }
}
