import Redis

/// Raises a generation once for each event.
///
/// KEYS: the generation, the event's memory. ARGV: their times to live in milliseconds.
/// A generation that nobody has begun guards no entry, so it needs no raising: events about what
/// is not cached cost one look and no memory.
enum RaiseScript {
    static let script = RedisScript(
        """
        if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
        if not redis.call('SET', KEYS[2], '1', 'NX', 'PX', ARGV[2]) then return 0 end
        redis.call('INCR', KEYS[1])
        redis.call('PEXPIRE', KEYS[1], ARGV[1])
        return 1
        """)
}
