import EventStreams
import TroupeRedis

/// Counts what tells how many sagas are under way.
///
///     timers     how many there are, and how many are further away than the deadline
///     streams    how many entries were ever added to each, trimmed or not
///
/// A member's rank is the number of those behind it, which Redis knows at once.
enum LoadScript {
    // KEYS timers, streams…, ARGV deadline in milliseconds → {timers, far timers, added…}
    static let count = RedisScript(
        """
        \(EntriesAdded.script)
        local time = redis.call('TIME')
        local far = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[1]
        local function behind(member)
            return member and redis.call('ZREVRANK', KEYS[1], member) + 1 or 0
        end
        local first = redis.call('ZREVRANGE', KEYS[1], -1, -1)[1]
        local late = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. far, '+inf', 'LIMIT', 0, 1)[1]
        local counts = {behind(first), behind(late)}
        for at = 2, #KEYS do
            counts[at + 1] = entriesAdded(KEYS[at])
        end
        return counts
        """)
}
