import Redis

/// Why a cache is not in use, in sentences for a person who can do something about it.
enum FeedReason {
    static let starting = "the feed of events has not caught up yet"
    static let interrupted =
        "the subscription is interrupted; if it stays so, the gateway's Redis user lacks "
        + "+subscribe &saga.* &cache.*"
    static let subscribing = "the subscription is new, and what was missed is being read"
    static let silent = "no heartbeat came back from Redis in time"

    /// Events of these types lie in their streams, and no message told of them.
    static func missing(_ types: [String]) -> String {
        let channels = types.map { "&saga.\($0)" }.joined(separator: " ")
        return "events came without their message: \(types.joined(separator: ", ")); if it happens "
            + "again, the Redis user of the service that emits them lacks +publish \(channels)"
    }

    /// Redis refused, or did not answer, a command of the feed.
    static func refused(_ error: RedisError) -> String {
        guard error.outcome == .answered else { return "Redis does not answer: \(error.message)" }
        // From inside a script Redis does not say NOPERM.
        let isRight =
            error.code == .server("NOPERM") || error.message.contains("executing the script can't")
        return "Redis refused: \(error.message)" + (isRight ? "; add \(rights)" : "")
    }

    /// What an ACL has to allow a gateway's user, for its cache.
    static let rights =
        "~cache:* ~saga:* &cache.* &saga.* +ping +info +eval +evalsha +script|load +get +set "
        + "+pttl +pexpire +exists +incr +xinfo +xrange +xrevrange +xgroup +publish +subscribe "
        + "+unsubscribe"
}
