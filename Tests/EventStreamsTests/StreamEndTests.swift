import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import EventStreams

@Suite(.redisServer, .timeLimit(.minutes(1)))
struct StreamEndTests {
    /// A stream of three entries.
    private func withStream(
        on server: RedisServer = .current,
        _ body: (RedisClient, String, [String]) async throws -> Void
    ) async throws {
        try await server.withKeyspace { redis, keyspace in
            let stream = keyspace + "stream"
            let text = RedisArgument.string(String(repeating: "x", count: 100_000))
            var ids: [String] = []
            for _ in 0..<3 {
                ids.append(try await redis.send(.xadd(stream, ["data": text])).requireString())
            }
            try await body(redis, stream, ids)
        }
    }

    private func lastID(
        _ stream: String, _ redis: RedisClient, beside group: String = "reader"
    ) async throws -> String? {
        try await redis.evaluate(StreamEnd.lastIDs, keys: [stream], arguments: [.string(group)])[0]?
            .string
    }

    private func groups(_ stream: String, _ redis: RedisClient) async throws -> Int? {
        try await redis.send(.xinfoGroups(stream)).array?.count
    }

    @Test func theLastIDIsThatOfTheLastEntry() async throws {
        try await withStream { redis, stream, ids in
            let last = try await lastID(stream, redis)

            #expect(last == ids[2])
            #expect(try await groups(stream, redis) == 0, "nothing is left")
        }
    }

    @Test func anIDOutlivesItsEntry() async throws {
        try await withStream { redis, stream, ids in
            _ = try await redis.send(.xdel(stream, [ids[2]]))

            #expect(try await lastID(stream, redis) == ids[2])
            _ = try await redis.send(.xtrim(stream, .newest(0, isExact: true)))
            #expect(try await lastID(stream, redis) == ids[2])
            #expect(try await groups(stream, redis) == 0)
        }
    }

    @Test func aGroupWithNothingLeftToReadStandsAtTheEnd() async throws {
        let server = try await RedisServer.launch()
        try await withStream(on: server) { redis, stream, ids in
            _ = try await redis.send(.xgroupCreate(stream, "reader", from: ids[1]))
            #expect(try await lastID(stream, redis) == ids[2])
            _ = try await redis.send(.xgroupSetID(stream, "reader", to: ids[2]))
            let before = try await changes(redis)

            #expect(try await lastID(stream, redis) == ids[2])
            #expect(try await changes(redis) == before, "nothing had to be made")
        }
        await server.stop()
    }

    /// How much was ever changed on the server.
    private func changes(_ redis: RedisClient) async throws -> Substring? {
        let facts = try await redis.send(RedisCommand("INFO", ["persistence"])).requireString()
        return facts.split(separator: "\r\n").first { $0.hasPrefix("rdb_changes_since_last_save") }
    }

    @Test func leavingsOfAScriptThatFailedAreInNobodysWay() async throws {
        try await withStream { redis, stream, ids in
            _ = try await redis.send(.xgroupCreate(stream, "troupe:end", from: "0"))

            #expect(try await lastID(stream, redis) == ids[2])
            #expect(try await groups(stream, redis) == 0)
        }
    }

    /// A group that stays keeps the stream from ever being trimmed.
    @Test func whoMayNotTakeTheGroupAwayDoesNotMakeIt() async throws {
        let server = try await RedisServer.launch()
        try await withStream(on: server) { redis, stream, _ in
            _ = try await redis.send(
                RedisCommand("ACL", ["SETUSER", "default", "-xgroup|destroy"]))

            let error = await #expect(throws: RedisError.self) {
                _ = try await lastID(stream, redis)
            }
            #expect(error?.code == .server("NOPERM"))
            #expect(try await groups(stream, redis) == 0)
        }
        await server.stop()
    }

    @Test func whatIsNotThereHasNoEnd() async throws {
        try await withStream { redis, stream, _ in
            let last = try await lastID(stream + "2", redis)

            #expect(last == nil)
            #expect(try await redis.send(.exists(stream + "2")).integer == 0)
        }
    }

    @Test func theFirstEntryBetweenTwoPlacesIsFound() async throws {
        try await withStream { redis, stream, ids in
            var found: [String?] = []
            for (from, to) in [("-", "+"), ("(" + ids[0], "+"), ("(" + ids[0], "(" + ids[1])] {
                let reply = try await redis.evaluate(
                    StreamEnd.firstEntry, keys: [stream],
                    arguments: [.string(from), .string(to)])
                found.append(reply.string)
            }

            #expect(found == [ids[0], ids[1], nil])
        }
    }

    @Test func largeEntriesAreNotLookedAt() async throws {
        try await withStream { redis, stream, _ in
            let read = try await redis.bytesRead(
                by: StreamEnd.lastIDs, keys: [stream], arguments: ["reader"])
            #expect(read < 1_000)
        }
    }
}
