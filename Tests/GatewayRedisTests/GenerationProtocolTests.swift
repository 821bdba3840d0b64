import Gateway
import NIOCore
import NIOHTTP1
import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import GatewayRedis

/// What requests leave in Redis, and when an entry counts.
@Suite(.redisServer, .timeLimit(.minutes(3)))
struct GenerationProtocolTests {
    private let server = RedisServer.current
    private let namespace = freshNamespace(RedisServer.current)
    private let book = OrderBook()

    /// All keys of the namespace but the one epoch, with their times to live in milliseconds.
    private func left(_ redis: RedisClient) async throws -> [String: Int] {
        var left: [String: Int] = [:]
        var cursor = "0"
        repeat {
            let found = try await redis.send(
                .scan(cursor, match: namespace + ":*", count: 1_000))
            cursor = found[0]?.string ?? "0"
            for name in try (found[1]?.strings() ?? []).compactMap({ $0 }) {
                left[name] = try await redis.send(.pttl(name)).integer
            }
        } while cursor != "0"
        left[CacheKeys(namespace: namespace).epoch] = nil
        return left
    }

    private func ask(
        _ node: CacheNode, _ id: String, status: Int, policy: CachePolicy = CacheNode.policy
    ) async throws {
        let tag = CacheTag("order", id)
        _ = try await node.cache.response(for: CacheNode.key(id), policy: policy, tags: [tag]) {
            await $0.watch([tag])
            return FetchedResponse(status: status, fields: [:], body: ByteBuffer())
        }
    }

    @Test(arguments: [400, 404, 410, 500])
    func whatStoresNothingLeavesNothingForLongerThanTenSeconds(status: Int) async throws {
        let node = try CacheNode(server, namespace: namespace)
        await node.start()
        for number in 0..<300 {
            try await ask(node, "made-up-\(number)", status: status)
        }
        let left = try await left(node.redis).filter { $0.key.contains(":cache:") }

        #expect(left.count <= 300)
        // One that ended between the two looks says -2, one without an end -1.
        for (name, life) in left {
            #expect(life <= 10_000 && life != -1, "\(name) \(life)")
        }
        await node.stop()
    }

    @Test func whatIsStoredLeavesItselfAndWhatGuardsIt() async throws {
        let node = try CacheNode(server, namespace: namespace)
        await node.start()
        _ = try await node.order(from: book)
        await node.entryIsStored(in: namespace)
        let left = try await left(node.redis).filter { $0.key.contains(":cache:") }

        #expect(left.count == 2)
        for (name, life) in left {
            let longest = name.hasSuffix(":generation") ? 70_000 : 60_000
            #expect((longest - 20_000...longest).contains(life), "\(name) \(life)")
        }
        await node.stop()
    }

    @Test func shorterEntryDoesNotShortenTheLifeOfItsGeneration() async throws {
        let node = try CacheNode(server, namespace: namespace)
        await node.start()
        try await ask(node, "1", status: 200)
        await node.entryIsStored(in: namespace)
        node.cache.makeAllInvalid()
        _ = await node.cache.settle()
        try await ask(node, "1", status: 200, policy: CachePolicy(lifetime: .seconds(5)))
        let name = CacheKeys(namespace: namespace).generation(CacheTag("order", "1"))

        #expect(try await node.redis.send(.pttl(name)).integer ?? 0 > 40_000)
        await node.stop()
    }

    @Test func fillWhoseGenerationIsGoneStoresNothing() async throws {
        let node = try CacheNode(server, namespace: namespace)
        let keys = CacheKeys(namespace: namespace)
        let tag = CacheTag("order", "1")
        await node.start()
        for ending in ["gone", "another"] {
            let seen = try #require(await node.second.generations(of: [tag]))
            _ = try await node.redis.send(.del(keys.generation(tag)))
            if ending == "another" { _ = await node.second.generations(of: [tag]) }
            let entry = SecondLevelEntry(
                status: 200, head: ByteBuffer(), notModifiedHead: nil, body: ByteBuffer(),
                entityTag: nil, lastModified: nil, age: .zero, lifetime: .seconds(60),
                generations: seen)
            await node.second.store(entry, for: CacheNode.key("1"))

            #expect(
                try await node.redis.send(.exists(keys.entry(CacheNode.key("1")))).integer == 0)
        }
        await node.stop()
    }

    @Test func entryWhoseGenerationIsGoneIsNotValid() async throws {
        let node = try CacheNode(server, namespace: namespace)
        let keys = CacheKeys(namespace: namespace)
        let tag = CacheTag("order", "1")
        await node.start()
        _ = try await node.order(from: book)
        await node.entryIsStored(in: namespace)
        _ = try await node.redis.send(.del(keys.generation(tag)))
        let unasked = try #require(await node.second.read(CacheNode.key("1"), likely: []))
        let asked = try #require(await node.second.read(CacheNode.key("1"), likely: [tag]))

        #expect(unasked.entry != nil)
        #expect(unasked.validEntry == nil)
        #expect(unasked.present.values.isEmpty)
        #expect(asked.validEntry == nil)
        await node.stop()
    }

    @Test func gatewayThatBeganTooManyGenerationsBeginsNoMoreForAWhile() async throws {
        var configuration = SecondLevelConfiguration(namespace: namespace)
        configuration.readTimeout = .seconds(10)
        configuration.generationLimit = 3
        let redis = server.client()
        let second = RedisSecondLevelCache(
            redis: redis, configuration: configuration,
            logger: .silent)
        for number in 0..<20 { _ = await second.generations(of: [CacheTag("n", "\(number)")]) }

        #expect(try await left(redis).count == 3)
        await redis.shutdown()
    }
}

@Suite(.timeLimit(.minutes(3)))
struct ChangeOfRoleTests {
    private let book = OrderBook()

    private func follow(_ server: RedisServer, _ leader: RedisServer) async throws {
        let client = server.client()
        _ = try await client.send(RedisCommand("REPLICAOF", ["127.0.0.1", .integer(leader.port)]))
        await until {
            let facts = try? await client.send(.info("replication")).infoFields()
            return facts?["master_link_status"] == "up"
        }
        await client.shutdown()
    }

    private func lead(_ server: RedisServer) async throws {
        let client = server.client()
        _ = try await client.send(RedisCommand("REPLICAOF", ["NO", "ONE"]))
        await client.shutdown()
    }

    @Test func serverThatFollowedAnOlderOneGivesNothingOld() async throws {
        let server = try await RedisServer.launch()
        let older = try await RedisServer.launch()
        let one = try CacheNode(server, namespace: "role")
        await one.start()
        _ = try await one.order(from: book)
        await one.entryIsStored(in: "role")
        try await follow(older, server)
        try await lead(older)
        // Raised here alone; then the server takes the data without it, in the same run.
        book.change()
        await one.cache.invalidate([CacheTag("order", "1")], cause: "write")
        await one.stop()
        try await follow(server, older)
        try await lead(server)
        let two = try CacheNode(server, namespace: "role")
        await two.start()

        #expect(try await two.order(from: book).version == 1)
        await two.stop()
        await server.stop()
        await older.stop()
    }
}
