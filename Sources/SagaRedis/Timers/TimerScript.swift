import TroupeRedis

/// Durable timers: a sorted set of due times, on the server's clock.
///
///     ZADD timers <due> "<EventType> <sagaID>"      by a transition
///     due:  which members are due, and how long until the next one
///     fire: for each member still there: ZREM, XADD its event, PUBLISH it
///     renew: on data of another identity, each member has at least its whole time again
///
/// Several replicas may fire the same timer; the one whose ZREM takes the member wins.
enum TimerScript {
    static func member(_ sagaID: String, event: String) -> String { "\(event) \(sagaID)" }

    static func parse(_ member: String) -> (event: String, sagaID: String)? {
        guard let space = member.firstIndex(of: " ") else { return nil }
        return (String(member[..<space]), String(member[member.index(after: space)...]))
    }

    // KEYS timers, ARGV limit → {milliseconds until the next timer or -1, how many there are,
    // due members…}
    static let due = RedisScript(
        """
        local time = redis.call('TIME')
        local now = time[1] * 1000 + math.floor(time[2] / 1000)
        local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])
        local next = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. now, '+inf', 'WITHSCORES',
            'LIMIT', 0, 1)
        local first = due[1] or next[1]
        table.insert(due, 1, next[2] and tonumber(next[2]) - now or -1)
        table.insert(due, 2, first and redis.call('ZREVRANK', KEYS[1], first) + 1 or 0)
        return due
        """)

    // KEYS timers and cursor, ARGV identity, grace in milliseconds, limit, time from the call
    // before or 0 → {time before which no timer is due any more, how many were moved}
    //
    // The identity is noted last, so that who dies between two calls begins again. Without one
    // from before nothing is known to be lost.
    static let renew = RedisScript(
        """
        local known = redis.call('HGET', KEYS[2], 'identity')
        if known == ARGV[1] then return {0, 0} end
        local until_, late = tonumber(ARGV[4]), {}
        if until_ == 0 then
            local time = redis.call('TIME')
            until_ = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[2]
        end
        if known then
            late = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. until_, 'LIMIT', 0, ARGV[3])
            for _, member in ipairs(late) do
                redis.call('ZADD', KEYS[1], until_, member)
            end
        end
        if #late < tonumber(ARGV[3]) then
            redis.call('HSET', KEYS[2], 'identity', ARGV[1])
        end
        return {until_, #late}
        """)

    // KEYS timers and stream, ARGV type and channel, then per timer: member, event ID, saga
    // ID, event → number fired, and what Redis said if it refused to publish
    //
    // A timer goes once its event stands, so that one whose stream refuses it is not lost. Types
    // and rights come first: an event that stands with its timer would be sent again and again.
    static let fire = RedisScript(
        """
        local fired, silent = 0, nil
        local kind = redis.call('TYPE', KEYS[2]).ok
        if kind ~= 'none' and kind ~= 'stream' then
            return redis.error_reply('WRONGTYPE the stream of a timer is not a stream')
        end
        if not redis.acl_check_cmd('ZREM', KEYS[1], '')
            or not redis.acl_check_cmd('XADD', KEYS[2], '*', '', '') then
            return redis.error_reply('NOPERM this user may not fire timers')
        end
        for at = 3, #ARGV, 4 do
            if redis.call('ZREVRANK', KEYS[1], ARGV[at]) then
                redis.call('XADD', KEYS[2], '*', 'data', ARGV[at + 3], 'type', ARGV[1], 'id',
                    ARGV[at + 1], 'correlationid', ARGV[at + 2])
                redis.call('ZREM', KEYS[1], ARGV[at])
                local heard = redis.pcall('PUBLISH', ARGV[2], ARGV[at + 3])
                if type(heard) == 'table' then silent = heard.err end
                fired = fired + 1
            end
        end
        return {fired, silent}
        """)
}
