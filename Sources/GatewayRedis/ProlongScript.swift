import TroupeRedis

/// Lets a generation live as long as an entry that is about to be stored under it.
///
/// KEYS: the generation. ARGV: what the fill saw, the time to live in milliseconds.
/// Returns 0 if it is not what the fill saw, or not there: then the entry is not stored. A longer
/// life that another entry gave it stays.
enum ProlongScript {
    static let script = RedisScript(
        """
        if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
        redis.call('PEXPIRE', KEYS[1], ARGV[2], 'GT')
        return 1
        """)
}
