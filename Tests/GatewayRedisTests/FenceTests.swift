import EventStreams
import Gateway
import NIOCore
import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import GatewayRedis

@Suite(.redisServer, .timeLimit(.minutes(1)))
struct FenceTests {
    private let namespace = freshNamespace(RedisServer.current)

    /// Five times a second and for each stream, so it must not matter what lies in them.
    @Test func fencesAndPositionsCostTheSameHoweverLargeTheLastEventsAre() async throws {
        let redis = RedisServer.current.client()
        let keys = CacheKeys(namespace: namespace)
        let replay = StreamReplay(
            redis: redis, keys: keys, rules: EventRules(try CacheNode.rules),
            limits: .init(events: 10))
        let streams = ["OrderCompleted", "OrderCancelled"].map {
            keys.events.stream($0, owner: "order")
        }
        let text = RedisArgument.string(String(repeating: "x", count: 5_000_000))
        for stream in streams {
            _ = try await redis.send(.xgroupCreate(stream, "payment"))
            _ = try await redis.send(.xadd(stream, ["data": text]))
            _ = try await redis.send(.xreadGroup("payment", "one", [(stream, ">")], count: 1))
        }

        let bytes = try await redis.bytesRead(
            by: FenceScript.script, keys: streams,
            arguments: [.string(keys.heartbeat("one")), "1 0"])

        #expect(bytes < 2_000)
        let sent = try await sent(redis)
        #expect(try await replay.ends().count == 2)
        #expect(try await self.sent(redis) - sent < 100_000)
        await redis.shutdown()
    }

    /// Bytes that the server has sent to anybody; nobody else is here to ask it.
    private func sent(_ redis: RedisClient) async throws -> Int {
        let facts = try await redis.send(RedisCommand("INFO", ["stats"])).requireString()
        let line = facts.split(separator: "\r\n").first {
            $0.hasPrefix("total_net_output_bytes:")
        }
        return try #require(line?.split(separator: ":").last.flatMap { Int($0) })
    }

    @Test func fenceTellsTheEntriesOfEachStream() async throws {
        let redis = RedisServer.current.client()
        let keys = CacheKeys(namespace: namespace)
        let streams = ["OrderCompleted", "OrderCancelled", "OrderLost"].map {
            keys.events.stream($0, owner: "order")
        }
        for _ in 0..<3 { _ = try await redis.send(.xadd(streams[0], ["data": "x"])) }
        _ = try await redis.send(.xadd(streams[1], ["data": "x"]))
        _ = try await redis.send(.xtrim(streams[1], .newest(0, isExact: true)))
        var fences = redis.subscribe(channels: [keys.heartbeat("one")]).makeAsyncIterator()
        #expect(await fences.next() == .active)
        let sent = Fence(sent: .now(), group: 0)

        _ = try await redis.evaluate(
            FenceScript.script, keys: streams,
            arguments: [.string(keys.heartbeat("one")), .string(sent.prefix)])

        guard case .message(let message) = await fences.next() else {
            Issue.record("no fence came")
            return
        }
        #expect(Fence(message.payload)?.added == [3, 1, 0])
        await redis.shutdown()
    }
}
