import NIOCore
import Testing
import TroupeRedis
import TroupeRedisTestKit

@Suite(.redisServer, .timeLimit(.minutes(3)))
struct RedisClientTests {
    @Test func sendsACommandAndReadsItsReply() async throws {
        try await RedisServer.current.withKeyspace { redis, prefix in
            let stored = try await redis.send(.set(prefix + "a", "wörld"))
            let value = try await redis.send(.get(prefix + "a"))
            let missing = try await redis.send(.get(prefix + "b"))

            #expect(stored.string == "OK")
            #expect(value.string == "wörld")
            #expect(missing.isNull)
        }
    }

    @Test func throwsAnErrorReplyWithItsPrefix() async throws {
        try await RedisServer.current.withKeyspace { redis, prefix in
            _ = try await redis.send(.set(prefix + "a", "text"))
            let error = await #expect(throws: RedisError.self) {
                try await redis.send(.hget(prefix + "a", "field"))
            }

            #expect(error?.code == .server("WRONGTYPE"))
            #expect(error?.outcome == .answered)
            #expect(error?.retry == .never)
        }
    }

    @Test func answersEachCommandOfABatch() async throws {
        try await RedisServer.current.withKeyspace { redis, prefix in
            let results = try await redis.send(batch: [
                .set(prefix + "n", "1"), .hget(prefix + "n", "f"), .incr(prefix + "n"),
            ])

            #expect(results.count == 3)
            #expect(try results[0].get().string == "OK")
            #expect(throws: RedisError.self) { try results[1].get() }
            #expect(try results[2].get().integer == 2)
        }
    }

    @Test func runsAScriptThatTheServerDoesNotKnowYet() async throws {
        try await RedisServer.current.withKeyspace { redis, prefix in
            let script = RedisScript("return {KEYS[1], ARGV[1], 7} -- \(prefix)")
            for _ in 0..<2 {
                let value = try await redis.evaluate(script, keys: ["k"], arguments: ["v"])
                #expect(value[0]?.string == "k")
                #expect(value[1]?.string == "v")
                #expect(value[2]?.integer == 7)
            }
        }
    }

    @Test func keepsTheRepliesOfManyTasksApart() async throws {
        try await RedisServer.current.withKeyspace { redis, prefix in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<500 {
                    group.addTask {
                        let key = prefix + "\(number)"
                        _ = try await redis.send(.set(key, .integer(number)))
                        let value = try await redis.send(.get(key))
                        #expect(value.integer == number)
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test func readsStreamsThroughAGroup() async throws {
        try await RedisServer.current.withKeyspace { redis, prefix in
            let key = prefix + "s"
            _ = try await redis.send(.xgroupCreate(key, "g"))
            let id = try await redis.send(.xadd(key, ["data": "x", "n": 2])).requireString()
            let streams = try await redis.send(.xreadGroup("g", "c", keys: [key])).streams()
            let pending = try await redis.send(.xpending(key, "g", count: 10)).pendingEntries()
            let acknowledged = try await redis.send(.xack(key, "g", [id]))

            #expect(streams.count == 1)
            #expect(streams.first?.key == key)
            #expect(streams.first?.entries.first?.id == id)
            #expect(streams.first?.entries.first?["n"] == ByteBuffer(string: "2"))
            #expect(pending.map(\.id) == [id])
            #expect(acknowledged.integer == 1)
        }
    }

    @Test func deliversMessagesAfterActive() async throws {
        try await RedisServer.current.withKeyspace { redis, prefix in
            let subscription = redis.subscribe(channels: [prefix + "c"])
            var events = subscription.makeAsyncIterator()
            let first = await events.next()
            #expect(first == .active)
            _ = try await redis.send(.publish(prefix + "c", "hello"))
            guard case .message(let message) = await events.next() else {
                Issue.record("no message")
                return
            }
            #expect(message.channel == prefix + "c")
            #expect(message.payload == ByteBuffer(string: "hello"))
        }
    }
}
