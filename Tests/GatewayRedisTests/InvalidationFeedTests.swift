import EventStreams
import Gateway
import NIOCore
import Synchronization
import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import GatewayRedis

/// The version up to which writes have been confirmed.
private final class Confirmed: Sendable {
    let version = Atomic(0)
}

@Suite(.redisServer, .timeLimit(.minutes(3)))
struct InvalidationFeedTests {
    private let server = RedisServer.current
    private let namespace = freshNamespace(RedisServer.current)
    private let book = OrderBook()

    private func pair() async throws -> (CacheNode, CacheNode) {
        let nodes = (
            try CacheNode(server, namespace: namespace), try CacheNode(server, namespace: namespace)
        )
        await nodes.0.start()
        await nodes.1.start()
        return nodes
    }

    private func publish(
        _ type: String = "OrderCancelled", by service: String = "order", on redis: RedisClient
    ) async throws {
        try await book.publish(type, by: service, on: redis, namespace: namespace)
    }

    @Test func publishedEventTakesTheAnswerFromEveryGateway() async throws {
        let (one, two) = try await pair()
        _ = try await one.order(from: book)
        #expect(try await one.order(from: book).status == .hit)
        _ = try await two.order(from: book)
        try await publish(on: one.redis)
        await until { [book] in
            let first = try? await one.order(from: book)
            let second = try? await two.order(from: book)
            return first?.version == 1 && first?.status == .hit && second?.version == 1
                && second?.status == .hit
        }
        await one.stop()
        await two.stop()
    }

    @Test func whatOneGatewayFetchedTheOtherGetsFromRedis() async throws {
        let (one, two) = try await pair()
        _ = try await one.order(from: book)
        await one.entryIsStored(in: namespace)

        #expect(try await two.order(from: book).status == .secondLevelHit)
        #expect(try await two.order(from: book).status == .hit)
        #expect(book.fetchCount == 1)
        await one.stop()
        await two.stop()
    }

    @Test func eventsOfEveryRuleAreHeard() async throws {
        let (one, two) = try await pair()
        let events = [
            ("OrderCompleted", "order"), ("PaymentRefunded", "payment"),
            ("OrderCancelled", "order"),
        ]
        for (number, event) in events.enumerated() {
            _ = try await one.order(from: book)
            try await publish(event.0, by: event.1, on: two.redis)
            await until { [book] in
                (try? await one.order(from: book).version) == number + 1
            }
        }
        await one.stop()
        await two.stop()
    }

    @Test func ownWriteReachesTheOtherGateways() async throws {
        let (one, two) = try await pair()
        _ = try await one.order(from: book)
        _ = try await two.order(from: book)
        book.change()
        await one.cache.invalidate([CacheTag("order", "1")], cause: "request-1")

        #expect(try await one.order(from: book).version == 1)
        await until { [book] in (try? await two.order(from: book).version) == 1 }
        await one.stop()
        await two.stop()
    }

    @Test func eventsPublishedWhileNoGatewayRanAreRaisedBeforeTheCacheIsUsed() async throws {
        let first = try CacheNode(server, namespace: namespace)
        await first.start()
        _ = try await first.order(from: book)
        await first.entryIsStored(in: namespace)
        await first.stop()
        let client = server.client()
        try await publish(on: client)
        let second = try CacheNode(server, namespace: namespace)
        await second.start()

        #expect(try await second.order(from: book).version == 1)
        await client.shutdown()
        await second.stop()
    }

    @Test func positionMovesSoThatNothingIsReadTwice() async throws {
        let (one, two) = try await pair()
        for _ in 0..<5 { try await publish(on: one.redis) }
        let stream = CacheKeys(namespace: namespace).events
            .stream("OrderCancelled", owner: "order")
        let last = try await one.redis.send(.xrevrange(stream, count: 1)).streamEntries().first?.id
        let replay = StreamReplay(
            redis: one.redis, keys: CacheKeys(namespace: namespace),
            rules: EventRules(try CacheNode.rules), limits: .init(events: 10))
        // Of two that share the position, who knows less may set it back for a moment.
        await until {
            var told = 0
            let missed = try? await replay.missed { _ in told += 1 }
            return told == 0 && missed?.positions[stream] == last
        }
        await one.stop()
        await two.stop()
    }

    @Test func tooManyMissedEventsMakeEverythingInvalid() async throws {
        let first = try CacheNode(server, namespace: namespace)
        await first.start()
        _ = try await first.order(from: book)
        await first.entryIsStored(in: namespace)
        await first.stop()
        let client = server.client()
        for _ in 0..<30 { try await publish(on: client) }
        let second = try CacheNode(server, namespace: namespace) { $0.replayLimit = 10 }
        await second.start()

        #expect(try await second.order(from: book).version == 30)
        await until { await second.cache.settle() }
        await client.shutdown()
        await second.stop()
    }

    @Test func messagesThatAreNoEventsDoNoHarm() async throws {
        let (one, two) = try await pair()
        _ = try await one.order(from: book)
        let keys = CacheKeys(namespace: namespace)
        for payload in ["", "{", "[]", "\u{0}", String(repeating: "x", count: 100_000)] {
            for channel in [keys.events.channel("OrderCancelled"), keys.announcements] {
                _ = try await two.redis.send(.publish(channel, .string(payload)))
            }
        }
        try await publish(on: two.redis)
        await until { [book] in (try? await one.order(from: book).version) == 1 }

        #expect(one.feed.isLive)
        await one.stop()
        await two.stop()
    }

    @Test func thousandMissesOnTwoGatewaysAreAtMostTwoFetches() async throws {
        let (one, two) = try await pair()
        try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<1_000 {
                group.addTask { [book] in
                    try await (number.isMultiple(of: 2) ? one : two).order(from: book).version
                }
            }
            for try await version in group { #expect(version == 0) }
        }

        #expect(book.fetchCount <= 2)
        await one.stop()
        await two.stop()
    }

    @Test func noAnswerIsOlderThanAWriteThatItsGatewayConfirmed() async throws {
        let (one, two) = try await pair()
        let confirmed = Confirmed()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [book, namespace] in
                for _ in 0..<150 {
                    try await book.publish(on: two.redis, namespace: namespace)
                    let version = book.version()
                    await one.cache.invalidate([CacheTag("order", "1")], cause: "w\(version)")
                    confirmed.version.store(version, ordering: .sequentiallyConsistent)
                }
            }
            for node in [one, one, one, two, two] {
                group.addTask { [book] in
                    while confirmed.version.load(ordering: .sequentiallyConsistent) < 150 {
                        let known = confirmed.version.load(ordering: .sequentiallyConsistent)
                        let version = try await node.order(from: book).version
                        if node === one { #expect(version >= known) }
                        await Task.yield()
                    }
                }
            }
            try await group.waitForAll()
        }
        await until { [book] in (try? await two.order(from: book).version) == 150 }

        #expect(try await one.order(from: book).version == 150)
        await one.stop()
        await two.stop()
    }
}

@Suite(.timeLimit(.minutes(3)))
struct FeedInterruptionTests {
    private let book = OrderBook()

    @Test func interruptedSubscriptionSuspendsAndCatchesUp() async throws {
        let server = try await RedisServer.launch()
        let one = try CacheNode(server, namespace: "cut")
        let two = try CacheNode(server, namespace: "cut")
        await one.start()
        await two.start()
        for version in 1...5 {
            _ = try await one.order(from: book)
            _ = try await one.redis.send(RedisCommand("CLIENT", ["KILL", "TYPE", "pubsub"]))
            try await book.publish(on: two.redis, namespace: "cut")
            await until { [book] in (try? await one.order(from: book).version) == version }
            await until { one.feed.isLive && two.feed.isLive }
            #expect(try await one.order(from: book).version == version)
            #expect(try await two.order(from: book).version == version)
        }
        await one.stop()
        await two.stop()
        await server.stop()
    }

    @Test func silentServerSuspendsTheCacheUntilItSpeaksAgain() async throws {
        let server = try await RedisServer.launch()
        let node = try CacheNode(server, namespace: "silent", readTimeout: .seconds(1)) {
            $0.silence = .milliseconds(600)
        }
        await node.start()
        _ = try await node.order(from: book)
        server.pause()
        await until { node.cache.isSuspended }
        book.change()
        #expect(try await node.order(from: book).version == 1)
        server.resume()
        await until { node.feed.isLive }
        try await book.publish(on: node.redis, namespace: "silent")
        await until { [book] in (try? await node.order(from: book).version) == 2 }
        await until { node.feed.isLive && node.feed.status == .ok }
        await node.stop()
        await server.stop()
    }

    @Test func restartedRedisServesNothingOld() async throws {
        let server = try await RedisServer.launch(RedisServer.Options(isDurable: true))
        let node = try CacheNode(server, namespace: "restart")
        await node.start()
        _ = try await node.order(from: book)
        await server.kill()
        await until { node.cache.isSuspended }
        book.change()
        #expect(try await node.order(from: book).version == 1)
        try await server.start()
        await until { node.feed.isLive }
        try await book.publish(on: node.redis, namespace: "restart")
        await until { [book] in (try? await node.order(from: book).version) == 2 }
        await node.stop()
        await server.stop()
    }

    @Test func primaryThatWasDemotedConfirmsNoFence() async throws {
        let server = try await RedisServer.launch()
        let forwarder = try await TCPForwarder(to: server.port)
        let silence = Duration.seconds(1)
        let node = try CacheNode(
            server, at: forwarder.port, namespace: "demoted", silence: silence
        ) {
            // Else it is the position, which is written, that gives the replica away.
            $0.beatsPerPosition = .max
        }
        await node.start()
        _ = try await node.order(from: book)
        let admin = server.client()
        _ = try await admin.send(RedisCommand("REPLICAOF", ["127.0.0.1", "1"]))
        let demoted = Moment.now()
        let key = CacheNode.key("1")

        try await eventually("no fence comes back", within: .seconds(20)) {
            node.feed.status != .ok
        }
        #expect(node.cache.lookUp(key, at: demoted + silence) == nil)

        _ = try await admin.send(RedisCommand("REPLICAOF", ["NO", "ONE"]))
        try await eventually("the cache is in use again") {
            _ = try await node.order(from: book)
            return node.cache.lookUp(key, at: .now()) != nil
        }
        await admin.shutdown()
        await node.stop()
        await forwarder.stop()
        await server.stop()
    }

    @Test func cacheRedisThatDoesNotAnswerLeavesTheMemoryInUse() async throws {
        let server = try await RedisServer.launch()
        let cacheServer = try await RedisServer.launch()
        let silence = Duration.seconds(5)
        let node = try CacheNode(
            server, cacheServer: cacheServer, namespace: "apart", writeTimeout: .seconds(300),
            silence: silence)
        await node.start()
        _ = try await node.order(from: book)
        let key = CacheNode.key("1")
        cacheServer.pause()
        // More than one, so that some wait while others are being raised.
        for number in 0..<20 {
            try await book.publish(of: "other \(number)", on: node.redis, namespace: "apart")
        }
        let published = Moment.now()

        try await eventually("fences sent later come back", within: .seconds(30)) {
            node.cache.lookUp(key, at: published + silence + .milliseconds(500)) != nil
        }
        #expect(!node.cache.isSettled)
        cacheServer.resume()
        try await eventually("all is raised") { node.cache.isSettled }
        await node.stop()
        await cacheServer.stop()
        await server.stop()
    }
}
