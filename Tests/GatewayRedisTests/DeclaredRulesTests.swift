import EventStreams
import Gateway
import Logging
import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import GatewayRedis

/// A feed whose rules wait for what nobody says.
@Suite(.redisServer, .timeLimit(.minutes(1)))
struct DeclaredRulesTests {
    /// What each warning is about.
    private static func subjects(of log: RecordedLog) -> [String] {
        log.lines.map { line in
            ["service", "event", "meant"].map { line.fields[$0].map { "\($0)" } ?? "" }
                .joined(separator: " ")
        }
    }

    private let server = RedisServer.current
    private let namespace = freshNamespace(RedisServer.current)

    /// Runs a feed with the rules of `CacheNode` until it has looked often.
    private func warnings(
        user: (name: String, password: String)? = nil, admin: RedisClient,
        until isEnough: @Sendable ([String]) async throws -> Bool
    ) async throws -> [String] {
        let log = RecordedLog(from: .warning)
        let redis = server.client {
            $0.username = user?.name
            $0.password = user?.password
        }
        var configuration = InvalidationFeedConfiguration(namespace: namespace)
        configuration.heartbeat = .milliseconds(20)
        configuration.silence = .seconds(15)
        configuration.declarationInterval = .milliseconds(10)
        let feed = InvalidationFeed(
            cache: ResponseCache(configuration: CacheConfiguration()), redis: redis,
            rules: try CacheNode.rules, configuration: configuration,
            logger: log.logger)
        let running = Task { try await feed.run() }
        try await eventually("it has looked") { try await isEnough(Self.subjects(of: log)) }
        running.cancel()
        _ = await running.result
        await redis.shutdown()
        return Self.subjects(of: log)
    }

    /// How often the keys that hold declarations were looked for.
    private func looks(_ admin: RedisClient) async throws -> Int {
        let text = try await admin.send(RedisCommand("INFO", ["commandstats"])).requireString()
        let calls = text.firstMatch(of: #/cmdstat_hget:calls=(\d+)/#)
        return calls.flatMap { Int($0.1) } ?? 0
    }

    private func declare(_ emits: String, _ service: String, _ admin: RedisClient) async throws {
        let key = CacheKeys(namespace: namespace).events.declared(service)
        _ = try await admin.send(.hset(key, ["emits": .string(emits)]))
    }

    @Test func aRuleOfWhichItsServiceKnowsNothingIsWarnedOfOnce() async throws {
        let admin = server.client()
        try await declare("OrderCreated/1 OrderCompleted/2 OrderCanceled/1", "order", admin)

        let found = try await warnings(admin: admin) { warned in
            try await looks(admin) > 40 && !warned.isEmpty
        }

        // Nothing is said of payments, which have declared nothing.
        #expect(found == ["order OrderCancelled OrderCanceled"])
        await admin.shutdown()
    }

    @Test func whatHasComeOnceIsSaid() async throws {
        let admin = server.client()
        try await declare("OrderCompleted/1", "order", admin)
        try await OrderBook().publish("OrderCancelled", on: admin, namespace: namespace)
        let before = try await looks(admin)

        let found = try await warnings(admin: admin) { _ in try await looks(admin) > before + 20 }

        #expect(found == [])
        await admin.shutdown()
    }

    /// A gateway that is upgraded needs no right that it had not before.
    @Test func whoMayNotReadDeclarationsIsNotDeniedThem() async throws {
        let server = try await RedisServer.launch()
        let admin = server.client()
        _ = try await admin.send(
            RedisCommand(
                "ACL",
                [
                    "SETUSER", "gateway", "reset", "on", ">secret", "~*", "&*", "+@all", "-@hash",
                ]))
        let key = CacheKeys(namespace: "").events.declared("order")
        _ = try await admin.send(.hset(key, ["emits": "Other/1"]))
        let redis = server.client {
            $0.username = "gateway"
            $0.password = "secret"
        }
        let declared = DeclaredEvents(redis: redis)

        let found = try await declared.missing(in: EventRules(try CacheNode.rules).sources)

        #expect(found.isEmpty)
        #expect(try await admin.send(RedisCommand("ACL", ["LOG"])).requireArray().isEmpty)
        #expect(
            try await DeclaredEvents(redis: admin).missing(
                in: EventRules(try CacheNode.rules).sources
            ).count == 2)
        await redis.shutdown()
        await admin.shutdown()
        await server.stop()
    }
}
