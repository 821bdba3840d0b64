import TroupeRedis

/// One replica as its group knows it.
struct ConsumerState: Sendable {
    var name: String
    /// How many entries are pending for it.
    var pending: Int
    /// How long ago it last asked for anything.
    var idle: Duration

    /// What `XINFO CONSUMERS` answers; none for what is not such an answer.
    static func all(in reply: RedisValue) -> [ConsumerState] {
        (reply.array.map(Array.init) ?? []).compactMap { consumer in
            guard let facts = consumer.array, facts.count >= 6, let name = facts[1].string,
                let pending = facts[3].integer, let idle = facts[5].integer
            else { return nil }
            return ConsumerState(name: name, pending: pending, idle: .milliseconds(idle))
        }
    }
}
