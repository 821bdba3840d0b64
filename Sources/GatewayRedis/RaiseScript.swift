import TroupeRedis

/// Raises a generation once for each event.
///
/// KEYS: the generation, the event's memory. ARGV: how long the event is remembered, in ms.
/// A generation that nobody has begun guards no entry, so it needs no raising, and stays away:
/// events about what is not cached cost one look and no memory. One that is raised lives no
/// longer for it.
enum RaiseScript {
    static let script = RedisScript(
        """
        if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
        if not redis.call('SET', KEYS[2], '1', 'NX', 'PX', ARGV[1]) then return 0 end
        redis.call('INCR', KEYS[1])
        return 1
        """)
}
