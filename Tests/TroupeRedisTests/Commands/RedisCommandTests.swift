import NIOCore
import Testing
import TroupeRedis
import TroupeRedisTestKit

/// Every typed command is understood by a server.
@Suite(.redisServer, .timeLimit(.minutes(3)))
struct RedisCommandTests {
    @Test func keysAndStrings() async throws {
        try await RedisServer.current.withKeyspace { redis, prefix in
            let key = prefix + "k"
            var once = RedisSetOptions(condition: .absent, timeToLive: .seconds(60))
            let first = try await redis.send(.set(key, 5, once))
            let second = try await redis.send(.set(key, 6, once))
            once.condition = .present
            once.returnsOldValue = true
            let old = try await redis.send(.set(key, 7, once))

            #expect(first.string == "OK")
            #expect(second.isNull)
            #expect(old.integer == 5)
            #expect(try await redis.send(.incrby(key, 3)).integer == 10)
            #expect(try await redis.send(.incr(key)).integer == 11)
            #expect(try await redis.send(.exists(key, key)).integer == 2)
            #expect(try await redis.send(.pttl(key)).integer ?? 0 > 50_000)
            #expect(try await redis.send(.persist(key)).integer == 1)
            #expect(try await redis.send(.expire(key, after: .seconds(5))).integer == 1)
            #expect(try await redis.send(.mget([key, prefix])).strings() == ["11", nil])
            #expect(try await redis.send(.type(key)).string == "string")
            let page = try await redis.send(
                .scan("0", match: prefix + "*", count: 1000, type: "string"))
            #expect(try page[1]?.strings() == [key])
            #expect(try await redis.send(.del(key)).integer == 1)
            #expect(try await redis.send(.unlink([key])).integer == 0)
        }
    }

    @Test func hashesAndSets() async throws {
        try await RedisServer.current.withKeyspace { redis, prefix in
            let (hash, set) = (prefix + "h", prefix + "s")
            #expect(try await redis.send(.hset(hash, ["a": 1, "b": "x"])).integer == 2)
            #expect(try await redis.send(.hget(hash, "a")).integer == 1)
            #expect(try await redis.send(.hmget(hash, ["b", "c"])).strings() == ["x", nil])
            #expect(try await redis.send(.hincrby(hash, "a", 4)).integer == 5)
            let fields = try await redis.send(.hgetall(hash)).fields()
            #expect(fields.mapValues { String(buffer: $0) } == ["a": "5", "b": "x"])
            #expect(try await redis.send(.hgetall(prefix)).fields().isEmpty)
            #expect(try await redis.send(.hdel(hash, ["a", "z"])).integer == 1)
            #expect(try await redis.send(.sadd(set, ["m", "n"])).integer == 2)
            #expect(try await redis.send(.sismember(set, "m")).integer == 1)
            #expect(try await redis.send(.srem(set, ["n"])).integer == 1)
            #expect(try await redis.send(.smembers(set)).strings() == ["m"])
        }
    }

    @Test func sortedSets() async throws {
        try await RedisServer.current.withKeyspace { redis, prefix in
            let key = prefix + "z"
            _ = try await redis.send(.zadd(key, [(1, "a"), (2, "b"), (3.5, "c")]))
            _ = try await redis.send(.zadd(key, score: .infinity, "d"))
            let range = try await redis.send(
                .zrangeByScore(key, .excluding(1), .infinite, limit: (0, 2), withScores: true))
            let members = try range.scoredMembers()
            #expect(members.map(\.member) == ["b", "c"])
            #expect(members.map(\.score) == [2, 3.5])
            let reversed = try await redis.send(
                .zrangeByScore(key, .including(2), .including(3.5), isReversed: true))
            #expect(try reversed.strings() == ["c", "b"])
            #expect(
                try await redis.send(.zrange(key, 0, -1, isReversed: true)).strings().count == 4)
            #expect(try await redis.send(.zscore(key, "c")).double == 3.5)
            #expect(try await redis.send(.zcard(key)).integer == 4)
            #expect(try await redis.send(.zcount(key, .infinite, .excluding(3.5))).integer == 2)
            #expect(try await redis.send(.zrem(key, ["a"])).integer == 1)
            #expect(
                try await redis.send(.zremrangeByScore(key, .infinite, .including(3.5))).integer
                    == 2)
        }
    }

    @Test func streamsAndTheirGroups() async throws {
        try await RedisServer.current.withKeyspace { redis, prefix in
            let key = prefix + "s"
            _ = try await redis.send(.xgroupCreate(key, "g"))
            let again = await #expect(throws: RedisError.self) {
                try await redis.send(.xgroupCreate(key, "g"))
            }
            #expect(again?.code == .server("BUSYGROUP"))
            var ids: [String] = []
            for number in 1...3 {
                ids.append(
                    try await redis.send(.xadd(key, ["n": .integer(number)], trim: .newest(100)))
                        .requireString())
            }
            #expect(try await redis.send(.xlen(key)).integer == 3)
            #expect(
                try await redis.send(.xrange(key, count: 2)).streamEntries().map(\.id)
                    == Array(ids[..<2]))
            #expect(try await redis.send(.xrevrange(key)).streamEntries().first?.id == ids[2])
            #expect(
                try await redis.send(.xread([(key, ids[1])])).streams().first?.entries.count == 1)
            #expect(try await redis.send(.xread([(key, ids[2])])).streams().isEmpty)
            #expect(try await redis.send(.xadd(prefix, ["a": 1], makesStream: false)).isNull)
            _ = try await redis.send(.xreadGroup("g", "one", keys: [key], count: 10))
            _ = try await redis.send(.xdel(key, [ids[0]]))
            let history = try await redis.send(.xreadGroup("g", "one", [(key, "0")])).streams()
            #expect(history.first?.entries.map(\.isDeleted) == [true, false, false])
            let renewed = try await redis.send(
                .xclaim(key, "g", "one", idle: .zero, [ids[1]], onlyIDs: true))
            #expect(try renewed.strings() == [ids[1]])
            let claim = try await redis.send(.xautoclaim(key, "g", "two", idle: .zero))
                .streamClaim()
            #expect(claim.cursor == "0-0")
            #expect(claim.entries.map(\.id) == Array(ids[1...]))
            #expect(claim.deletedIDs == [ids[0]])
            #expect(try await redis.send(.xpending(key, "g"))[0]?.integer == 2)
            let pending = try await redis.send(.xpending(key, "g", count: 9, consumer: "two"))
            #expect(try pending.pendingEntries().map(\.consumer) == ["two", "two"])
            #expect(try await redis.send(.xgroupDelConsumer(key, "g", "two")).integer == 2)
            #expect(try await redis.send(.xgroupSetID(key, "g", to: "0")).string == "OK")
            #expect(try await redis.send(.xinfoGroups(key)).array?.count == 1)
            #expect(try await redis.send(.xinfoConsumers(key, "g")).array?.count == 1)
            #expect(try await redis.send(.xinfoStream(key)).array != nil)
            #expect(try await redis.send(.xtrim(key, .from(ids[2], isExact: true))).integer == 1)
        }
    }

    @Test func serverAndTransactions() async throws {
        try await RedisServer.current.withKeyspace { redis, prefix in
            #expect(try await redis.send(.ping).string == "PONG")
            let info = try await redis.send(.info("server")).infoFields()
            #expect(info["redis_version"]?.isEmpty == false)
            let settings = try await redis.send(.configGet("appendonly")).fields()
            #expect(settings["appendonly"].map { String(buffer: $0) } == "no")
            #expect(try await redis.send(.time)[0]?.integer ?? 0 > 1_700_000_000)
            let results = try await redis.send(batch: [
                .multi, .set(prefix + "a", 1), .hget(prefix + "a", "f"), .exec,
            ])
            let values = try results[3].get()
            #expect(values[0]?.string == "OK")
            #expect(values[1]?.error?.code == .server("WRONGTYPE"))
        }
    }

    @Test func aScriptThatIsNotKnownFailsInsideATransaction() async throws {
        try await RedisServer.current.withKeyspace { redis, prefix in
            let script = RedisScript("return 1 -- \(prefix)")
            let command = RedisCommand.evalsha(script, keys: [], arguments: [])
            let results = try await redis.send(batch: [.multi, command, .exec])
            #expect(try results[2].get()[0]?.error?.code == .server("NOSCRIPT"))
            let loaded = try await redis.send(batch: [.scriptLoad(script), .multi, command, .exec])
            #expect(try loaded[3].get()[0]?.integer == 1)
        }
    }
}
