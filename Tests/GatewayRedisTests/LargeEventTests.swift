import CloudEvents
import EventStreams
import Gateway
import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import GatewayRedis

/// What was missed is read again whatever lies in the streams, and nothing old is given.
@Suite(.redisServer, .timeLimit(.minutes(3)))
struct LargeEventTests {
    private let server = RedisServer.current
    private let namespace = freshNamespace(RedisServer.current)
    private let book = OrderBook()

    /// Fills the second level with orders 1 and 2, and stops.
    private func fill() async throws {
        let node = try CacheNode(server, namespace: namespace)
        await node.start()
        for id in ["1", "2"] { _ = try await node.order(id, from: book) }
        await until { [namespace] in
            let found = try? await node.redis.send(
                .scan("0", match: namespace + ":cache:entry:*", count: 10_000))
            return found?[1]?.array?.count == 2
        }
        await node.stop()
    }

    /// Changes order 1 and adds its event, of which no message tells, with so many bytes.
    private func change(
        bytes: Int, hasLabel: Bool = true, isEvent: Bool = true, on redis: RedisClient
    ) async throws {
        book.change("1")
        let filling = String(repeating: "x", count: bytes)
        let event = CloudEvent(
            source: "/order", type: "OrderCancelled", subject: "1",
            data: Array(#"{"filling":"\#(filling)"}"#.utf8))
        let stream = CacheKeys(namespace: namespace).events.stream(
            "OrderCancelled", owner: "order")
        let text = RedisArgument.bytes(isEvent ? event.json() : Array(filling.utf8))
        var words: [RedisArgument] = [.string(stream), "*", "data", text]
        if hasLabel {
            words += ["type", "OrderCancelled", "id", .string(event.id), "correlationid", "1"]
        }
        _ = try await redis.send(RedisCommand("XADD", words))
    }

    /// A gateway that takes no reply of more than 1 MB.
    private func node(
        change: (inout InvalidationFeedConfiguration) -> Void = { _ in }
    ) throws -> CacheNode {
        try CacheNode(
            server, namespace: namespace, replyBytesMaximum: 1 << 20, change: change)
    }

    @Test func manyLargeEventsAreCaughtUp() async throws {
        try await fill()
        let client = server.client()
        for _ in 0..<130 { try await change(bytes: 64 << 10, on: client) }
        let node = try node()
        await node.start()

        #expect(try await node.order("1", from: book).version == 130)
        #expect(try await node.order("2", from: book).status == .secondLevelHit)
        await client.shutdown()
        await node.stop()
    }

    @Test(arguments: [true, false])
    func whatCannotBeReadTakesWhatItsLabelTells(isTooLarge: Bool) async throws {
        try await fill()
        let client = server.client()
        try await change(bytes: isTooLarge ? 2 << 20 : 10, isEvent: isTooLarge, on: client)
        let node = try node()
        await node.start()

        #expect(try await node.order("1", from: book).version == 1)
        #expect(try await node.order("2", from: book).status == .secondLevelHit)
        await client.shutdown()
        await node.stop()
    }

    @Test(arguments: [true, false])
    func whatHasNoLabelEitherTakesEverything(isTooLarge: Bool) async throws {
        try await fill()
        let client = server.client()
        try await change(
            bytes: isTooLarge ? 2 << 20 : 10, hasLabel: false, isEvent: isTooLarge, on: client)
        let node = try node()
        await node.start()
        await until { node.cache.isSettled }

        #expect(try await node.order("1", from: book).version == 1)
        #expect(try await node.order("2", from: book).status != .secondLevelHit)
        await client.shutdown()
        await node.stop()
    }

    @Test func tooManyBytesTakeEverything() async throws {
        try await fill()
        let client = server.client()
        for _ in 0..<30 { try await change(bytes: 64 << 10, on: client) }
        let node = try node { $0.replayBytesMaximum = 1 << 20 }
        await node.start()
        await until { node.cache.isSettled }

        #expect(try await node.order("1", from: book).version == 30)
        #expect(try await node.order("2", from: book).status != .secondLevelHit)
        await client.shutdown()
        await node.stop()
    }
}
