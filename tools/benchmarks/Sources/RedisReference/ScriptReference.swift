import TroupeRedis
public import TroupeRedisTestKit

/// The six commands of a transition in a script of their own, under redis-benchmark.
///
/// What the server can do at most on this machine, at this moment.
public enum ScriptReference {
    private static let script = RedisScript(
        """
        redis.call('HMGET', KEYS[1], 'charge', 'blocked')
        redis.call('HSET', KEYS[2], 'status', 'charged', 'amount', '1990', 'id', ARGV[1])
        redis.call('XADD', KEYS[3], '*', 'data', ARGV[2], 'type', 'PaymentProcessed', 'id',
            ARGV[1], 'correlationid', ARGV[1])
        redis.call('PUBLISH', 'saga.PaymentProcessed', ARGV[2])
        redis.call('HSET', KEYS[1], 'charge', 'done 0198c7a2-aaaa-7bbb-8ccc-dddddddddddd')
        redis.call('EXPIRE', KEYS[1], 2592000)
        return 1
        """)

    /// Scripts a second on a server of its own, which is stopped afterwards; says so.
    public static func measure(on server: RedisServer) async throws -> Double {
        let rate = try await rate(server)
        await server.stop()
        print("reference: a transition's six commands in a script, redis-benchmark -P 32")
        print("  \(Int(rate)) scripts/s")
        return rate
    }

    /// Scripts a second.
    private static func rate(_ server: RedisServer) async throws -> Double {
        let redis = server.client()
        _ = try await redis.send(.scriptLoad(script))
        await redis.shutdown()
        let id = "0198c7a2-aaaa-7bbb-8ccc-dddddddddddd"
        let event = String(repeating: "x", count: 560)
        let command =
            "redis-benchmark -p \(server.port) -P 32 -n 200000 -r 10000000 -q EVALSHA "
            + "\(script.sha1) 3 ledger:__rand_int__ record:__rand_int__ stream \(id) \(event)"
        return try await Reference.rate(command)
    }
}
