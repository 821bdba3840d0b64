import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import EventStreams

/// What a script counts, against what `XINFO STREAM` says.
@Suite(.redisServer, .timeLimit(.minutes(1)))
struct EntriesAddedTests {
    private static let count = RedisScript(
        """
        \(EntriesAdded.script)
        return entriesAdded(KEYS[1])
        """)

    private func withStream(
        _ body: (RedisClient, String) async throws -> Void
    ) async throws {
        try await RedisServer.current.withKeyspace { redis, keyspace in
            try await body(redis, keyspace + "stream")
        }
    }

    private func counted(_ stream: String, _ redis: RedisClient) async throws -> Int? {
        try await redis.evaluate(Self.count, keys: [stream], arguments: []).integer
    }

    private func told(_ stream: String, _ redis: RedisClient) async throws -> Int? {
        let facts = try await redis.send(.xinfoStream(stream)).requireArray()
        let place = (0..<facts.count).first { facts[$0].string == "entries-added" }
        return place.flatMap { facts[$0 + 1].integer }
    }

    private func read(_ stream: String, _ count: Int, _ redis: RedisClient) async throws {
        _ = try await redis.send(.xreadGroup("reader", "one", [(stream, ">")], count: count))
    }

    @Test(arguments: [true, false])
    func everyEntryCountsWhateverBecameOfIt(isRead: Bool) async throws {
        try await withStream { redis, stream in
            _ = try await redis.send(.xgroupCreate(stream, "reader"))
            var ids: [String] = []
            var added = 0
            func add(_ count: Int) async throws {
                for _ in 0..<count {
                    ids.append(try await redis.send(.xadd(stream, ["a": "b"])).requireString())
                }
                added += count
                if isRead { try await read(stream, 2, redis) }
            }
            func expectAll(_ comment: Comment) async throws {
                #expect(try await counted(stream, redis) == added, comment)
                #expect(try await told(stream, redis) == added, comment)
            }
            try await add(5)
            try await expectAll("five")
            _ = try await redis.send(.xdel(stream, [ids[2]]))
            try await expectAll("one in the middle is gone")
            _ = try await redis.send(.xdel(stream, [ids[4]]))
            try await expectAll("the last one is gone")
            _ = try await redis.send(.xtrim(stream, .newest(1, isExact: true)))
            try await expectAll("trimmed")
            try await add(3)
            try await expectAll("three more")
            _ = try await redis.send(.xtrim(stream, .newest(0, isExact: true)))
            try await expectAll("all are gone")
            try await add(2)
            try await expectAll("two more")
        }
    }

    @Test func aStreamThatIsNotThereHasNoneAndIsNotMade() async throws {
        try await withStream { redis, stream in
            let counted = try await counted(stream, redis)

            #expect(counted == 0)
            #expect(try await redis.send(.exists(stream)).integer == 0)
        }
    }

    @Test func aStreamThatNeverHadAnEntryHasNone() async throws {
        try await withStream { redis, stream in
            _ = try await redis.send(.xgroupCreate(stream, "reader"))

            #expect(try await counted(stream, redis) == 0)
        }
    }

    /// By a person, beside one that knows.
    @Test(arguments: [
        ["DESTROY"], ["SETID", "0"], ["SETID", "$"], ["SETID", "0", "ENTRIESREAD", "2"],
        ["SETID", "\(StreamID.last)"],
    ])
    func aGroupThatWasMovedMisleadsNobody(words: [String]) async throws {
        try await withStream { redis, stream in
            for group in ["reader", "moved"] {
                _ = try await redis.send(.xgroupCreate(stream, group))
            }
            for _ in 0..<4 { _ = try await redis.send(.xadd(stream, ["a": "b"])) }
            try await read(stream, 3, redis)
            let change = [words[0], stream, "moved"] + words.dropFirst()
            _ = try await redis.send(RedisCommand("XGROUP", change.map { .string($0) }))

            #expect(try await counted(stream, redis) == 4)
        }
    }

    @Test func aStreamWithoutIDsLeftIsCounted() async throws {
        try await withStream { redis, stream in
            let last = "\(StreamID.last)"
            _ = try await redis.send(.xadd(stream, ["a": "b"]))
            _ = try await redis.send(.xadd(stream, id: last, ["a": "b"]))
            #expect(try await counted(stream, redis) == 2)
            _ = try await redis.send(.xdel(stream, [last]))

            #expect(try await counted(stream, redis) == 2)
        }
    }

    @Test func afterARestartItIsTheSame() async throws {
        let server = try await RedisServer.launch(RedisServer.Options(isDurable: true))
        var redis = server.client()
        for _ in 0..<3 { _ = try await redis.send(.xadd("stream", ["a": "b"])) }
        #expect(try await counted("stream", redis) == 3)
        _ = try await redis.send(.xtrim("stream", .newest(1, isExact: true)))
        await redis.shutdown()
        await server.kill()
        try await server.start()
        redis = server.client()

        #expect(try await counted("stream", redis) == 3)
        await redis.shutdown()
        await server.stop()
    }

    @Test func aFullServerCounts() async throws {
        let server = try await RedisServer.launch()
        let redis = server.client()
        _ = try await redis.send(.xadd("stream", ["a": "b"]))
        _ = try await redis.send(RedisCommand("CONFIG", ["SET", "maxmemory", "1"]))

        #expect(try await counted("stream", redis) == 1)
        await redis.shutdown()
        await server.stop()
    }

    @Test func largeEntriesAreNotLookedAt() async throws {
        try await withStream { redis, stream in
            let text = RedisArgument.string(String(repeating: "x", count: 1_000_000))
            _ = try await redis.send(.xgroupCreate(stream, "reader"))
            for _ in 0..<2 { _ = try await redis.send(.xadd(stream, ["data": text])) }
            try await read(stream, 1, redis)

            let bytes = try await redis.bytesRead(by: Self.count, keys: [stream])
            #expect(bytes < 1_000)
        }
    }
}
