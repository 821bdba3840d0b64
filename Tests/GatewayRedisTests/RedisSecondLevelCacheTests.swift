import EventStreams
import Gateway
import NIOCore
import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import GatewayRedis

private let tag = CacheTag("order", "1")
private let other = CacheTag("user", "a{b}*")
private let key = CacheNode.key("1")

private func entry(_ generations: Generations, body: String = "{}") -> SecondLevelEntry {
    SecondLevelEntry(
        status: 200, head: ByteBuffer(string: "HTTP/1.1 200 OK\r\n"), notModifiedHead: nil,
        body: ByteBuffer(string: body), entityTag: nil, lastModified: nil, age: .zero,
        lifetime: .seconds(60), generations: generations)
}

/// What the cache asks before it believes an entry.
private func isValid(_ reading: SecondLevelReading) -> Bool {
    reading.validEntry != nil
}

@Suite(.redisServer, .timeLimit(.minutes(3)))
struct RedisSecondLevelCacheTests {
    private let redis = RedisServer.current.client()
    private let namespace = freshNamespace(RedisServer.current)
    private let keys: CacheKeys
    private let second: RedisSecondLevelCache

    init() {
        keys = CacheKeys(namespace: namespace)
        var configuration = SecondLevelConfiguration(namespace: namespace)
        // What is tested here is what is stored, on however busy a machine.
        configuration.readTimeout = .seconds(10)
        configuration.writeTimeout = .seconds(10)
        second = RedisSecondLevelCache(
            redis: redis, configuration: configuration,
            logger: .silent)
    }

    private func generation(_ tag: CacheTag) async throws -> UInt64 {
        let generations = await second.generations(of: [tag])
        return try #require(generations?.values[tag]?.number)
    }

    @Test func storedEntryIsReadWithTheGenerationsOfAllItsTags() async throws {
        let generations = try #require(await second.generations(of: [tag, other]))
        await second.store(entry(generations, body: "hello"), for: key)
        let reading = try #require(await second.read(key, likely: [tag]))

        #expect(reading.entry?.body == ByteBuffer(string: "hello"))
        #expect(reading.entry?.generations == generations)
        #expect(reading.present == generations)
    }

    @Test func nothingStoredIsReadAsGenerationsAlone() async throws {
        let reading = try #require(await second.read(CacheNode.key("none"), likely: [tag]))

        #expect(reading.entry == nil)
        #expect(reading.present.values.count == 1)
    }

    @Test func raisedTagHasAnotherGeneration() async throws {
        let before = try #require(await second.generations(of: [tag, other]))
        #expect(await second.raise([Invalidation(cause: "e1", tags: [tag])]))
        let after = try #require(await second.generations(of: [tag, other]))

        #expect(after.values[tag]?.number == before.values[tag].map { $0.number + 1 })
        #expect(after.values[other] == before.values[other])
        #expect(after.epoch == before.epoch)
    }

    @Test func oneCauseRaisesOnceWhoeverTells() async throws {
        let before = try await generation(tag)
        for _ in 0..<3 { #expect(await second.raise([Invalidation(cause: "e1", tags: [tag])])) }
        #expect(await second.raise([Invalidation(cause: "e2", tags: [tag])]))

        #expect(try await generation(tag) == before + 2)
    }

    @Test func severalEventsAboutOneTagRaiseItOnceInABatch() async throws {
        let before = try #require(await second.generations(of: [tag, other]))
        let unknown = CacheTag("order", "never asked for")
        let batch = (0..<5).map { Invalidation(cause: "e\($0)", tags: [tag, other, unknown]) }
        #expect(await second.raise(batch))
        let after = try #require(await second.generations(of: [tag, other]))

        #expect(
            after.values.mapValues(\.number) == before.values.mapValues { $0.number + 1 })
        #expect(try await redis.send(.exists(keys.generation(unknown))).integer == 0)
    }

    @Test func forgottenScriptIsLoadedAgain() async throws {
        let before = try await generation(tag)
        _ = try await redis.send(RedisCommand("SCRIPT", ["FLUSH"]))
        #expect(await second.raise([Invalidation(cause: "e1", tags: [tag])]))

        #expect(try await generation(tag) == before + 1)
    }

    @Test func raisingWhatNobodyWatchesLeavesNothingBehind() async throws {
        #expect(await second.raise([Invalidation(cause: "e1", tags: [tag])]))

        #expect(try await redis.send(.exists(keys.generation(tag))).integer == 0)
        #expect(try await redis.send(.exists(keys.event(tag, "e1"))).integer == 0)
    }

    @Test func lostGenerationNeverComesBack() async throws {
        var seen: Set<UInt64> = []
        for _ in 0..<20 {
            seen.insert(try await generation(tag))
            _ = try await redis.send(.del(keys.generation(tag)))
        }

        #expect(seen.count == 20)
    }

    @Test func everyKeyHasATimeToLive() async throws {
        let generations = try #require(await second.generations(of: [tag, other]))
        await second.store(entry(generations), for: key)
        #expect(await second.raise([Invalidation(cause: "e1", tags: [tag, other])]))
        let found = try await redis.send(.scan("0", match: namespace + ":*", count: 1_000))
        let names = try #require(found[1]).strings().compactMap { $0 }

        #expect(names.count == 6)
        for name in names {
            #expect((try await redis.send(.pttl(name)).integer ?? 0) > 0, "\(name)")
        }
    }

    @Test func keysStandWhereTheDesignSays() async throws {
        let plain = CacheKeys(namespace: "")

        #expect(plain.generation(CacheTag("order", "42")) == "cache:{order:42}:generation")
        #expect(plain.generation(other) == "cache:{user:a%7Bb%7D%2A}:generation")
        #expect(plain.entry(key).hasPrefix("cache:entry:"))
        #expect(plain.event(tag, "a b").hasPrefix("cache:{order:1}:event:a%20b"))
        #expect(CacheKeys(namespace: "n").events.channel("X") == "n:saga.X")
        #expect(CacheKeys(namespace: "n").events.stream("X", owner: "s") == "n:saga:{s}:X")
    }

    @Test func raisingAllMakesEveryEntryInvalid() async throws {
        let before = try #require(await second.generations(of: [tag]))
        await second.store(entry(before), for: key)
        #expect(await second.raiseAll())
        let reading = try #require(await second.read(key, likely: [tag]))

        #expect(reading.present.epoch != before.epoch)
        #expect(reading.entry?.generations.epoch != reading.present.epoch)
    }

    @Test func announcementReachesTheChannel() async throws {
        let subscription = redis.subscribe(channels: [keys.announcements])
        var events = subscription.makeAsyncIterator()
        let first = await events.next()
        #expect(first == .active)
        let invalidation = Invalidation(cause: "w1", tags: [tag])
        #expect(await second.announce(invalidation))

        guard case .message(let message) = await events.next() else {
            Issue.record("no message")
            return
        }
        #expect(InvalidationMessage.read(message.payload) == invalidation)
    }
}

@Suite(.timeLimit(.minutes(3)))
struct SecondLevelRestartTests {
    @Test func entriesOfAnEarlierRunAreOutOfReach() async throws {
        let server = try await RedisServer.launch(RedisServer.Options(isDurable: true))
        let node = try CacheNode(server, namespace: "restart")
        let before = try #require(await node.second.generations(of: [tag]))
        await node.second.store(entry(before, body: "old"), for: key)
        let found = try #require(await node.second.read(key, likely: [tag]))
        #expect(found.entry != nil)
        await server.kill()
        try await server.start()
        await until { await node.second.generations(of: [tag]) != nil }
        let after = try #require(await node.second.read(key, likely: [tag]))

        #expect(after.present.epoch.keeper != before.epoch.keeper)
        #expect(!isValid(after))
        // A fill that began before the restart stores what nobody takes.
        await node.second.store(entry(before, body: "old"), for: key)
        #expect(!isValid(try #require(await node.second.read(key, likely: [tag]))))
        await node.stop()
        await server.stop()
    }

    @Test func absentRedisCostsOneWaitAndIsFoundAgain() async throws {
        let server = try await RedisServer.launch()
        let node = try CacheNode(server, namespace: "away", readTimeout: .milliseconds(150))
        await until { await node.second.generations(of: [tag]) != nil }
        server.pause()
        #expect(await node.second.generations(of: [tag]) == nil)
        let start = ContinuousClock.now
        for _ in 0..<100 { _ = await node.second.read(key, likely: [tag]) }
        // Each by itself would have waited 150 ms.
        #expect(ContinuousClock.now - start < .seconds(5))
        server.resume()
        await until { await node.second.generations(of: [tag]) != nil }
        await node.stop()
        await server.stop()
    }
}
