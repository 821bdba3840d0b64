import CloudEvents
import EventStreams
import Gateway
import Logging
import NIOCore
import NIOHTTP1
import Synchronization
import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import GatewayRedis

/// A gateway's cache on a Redis, with its feed: what a process would have of its own.
final class CacheNode: Sendable {
    static let policy = CachePolicy(lifetime: .seconds(60), jitter: 0)

    let redis: RedisClient
    /// Where the second level is, if not where events are.
    private let cacheRedis: RedisClient?
    let second: RedisSecondLevelCache
    let cache: ResponseCache
    let feed: InvalidationFeed
    private let running = Mutex<Task<Void, any Error>?>(nil)
    private let clock: Clock

    /// The clock by which answers are given, which a test can put forward.
    private final class Clock: Sendable {
        private let ahead = Mutex(Duration.zero)

        var now: Moment { .now() + ahead.withLock { $0 } }

        func advance(by time: Duration) { ahead.withLock { $0 += time } }
    }

    /// - Parameters:
    ///   - port: where the server is reached, if not at its own port.
    ///   - cacheServer: keeps the second level, if not the same server.
    init(
        _ server: RedisServer, at port: Int? = nil, cacheServer: RedisServer? = nil,
        namespace: String, readTimeout: Duration = .seconds(10),
        writeTimeout: Duration = .seconds(1),
        silence: Duration = .seconds(15), user: (name: String, password: String)? = nil,
        replyBytesMaximum: Int = 512 << 20,
        change: (inout InvalidationFeedConfiguration) -> Void = { _ in }
    ) throws {
        var configuration = InvalidationFeedConfiguration(namespace: namespace)
        configuration.heartbeat = .milliseconds(50)
        // Long enough for a test process that gets no time for seconds.
        configuration.silence = silence
        configuration.beatsPerPosition = 1
        change(&configuration)
        let logger = Logger.silent
        redis = server.client {
            $0.username = user?.name
            $0.password = user?.password
            $0.replyBytesMaximum = replyBytesMaximum
            if let port { $0.address = .tcp(host: "127.0.0.1", port: port) }
        }
        cacheRedis = cacheServer?.client()
        var settings = SecondLevelConfiguration(namespace: namespace)
        settings.readTimeout = readTimeout
        settings.writeTimeout = writeTimeout
        second = RedisSecondLevelCache(
            redis: cacheRedis ?? redis, events: redis, configuration: settings, logger: logger)
        let clock = Clock()
        self.clock = clock
        var limits = CacheConfiguration()
        limits.clock = { clock.now }
        cache = ResponseCache(configuration: limits, secondLevel: second)
        feed = InvalidationFeed(
            cache: cache, redis: redis, rules: try CacheNode.rules, configuration: configuration,
            logger: logger)
    }

    static var rules: [InvalidationRule] {
        get throws {
            [
                InvalidationRule(
                    events: ["OrderCompleted", "OrderCancelled"], service: "order",
                    tags: [try TagTemplate("order:{subject}")]),
                InvalidationRule(
                    events: ["PaymentRefunded"], service: "payment",
                    tags: [try TagTemplate("order:{subject}")]),
            ]
        }
    }

    /// Starts the feed and waits until the cache is in use.
    func start() async {
        begin()
        await until { self.feed.isLive }
    }

    /// Starts the feed.
    func begin() {
        running.withLock { running in
            running = Task { [feed] in try await feed.run() }
        }
    }

    func stop() async {
        let task = running.withLock { $0 }
        task?.cancel()
        _ = await task?.result
        await redis.shutdown()
        await cacheRedis?.shutdown()
    }

    /// Answers are given as if so much more time had passed.
    func advance(by time: Duration) { clock.advance(by: time) }

    /// One request for an order, through L1, L2 and the service.
    func order(_ id: String = "1", from service: OrderBook) async throws -> CacheAnswer {
        let key = CacheNode.key(id)
        if let stored = cache.lookUp(key, at: clock.now) {
            return CacheAnswer(response: stored, status: .hit)
        }
        let tag = CacheTag("order", id)
        return try await cache.response(for: key, policy: CacheNode.policy, tags: [tag]) { scope in
            await scope.watch([tag])
            return await service.fetch(id)
        }
    }

    /// Waits until the second level holds an entry; it is written after the answer is given.
    func entryIsStored(in namespace: String) async {
        await until { [redis] in
            let found = try? await redis.send(
                .scan("0", match: namespace + ":cache:entry:*", count: 10_000))
            return found?[1]?.array?.isEmpty == false
        }
    }

    static func key(_ id: String) -> CacheKey {
        var builder = CacheKey.Builder()
        builder.begin(route: "order")
        builder.add(id)
        return builder.key
    }
}

/// A service whose orders have a version, and which publishes each change with it, atomically.
final class OrderBook: Sendable {
    private let versions = Mutex<[String: Int]>([:])
    private let fetches = Atomic(0)

    var fetchCount: Int { fetches.load(ordering: .relaxed) }

    func version(_ id: String = "1") -> Int { versions.withLock { $0[id, default: 0] } }

    func fetch(_ id: String) async -> FetchedResponse {
        fetches.add(1, ordering: .relaxed)
        let version = version(id)
        await Task.yield()
        return FetchedResponse(
            status: 200, fields: [:], body: ByteBuffer(string: "\(version)"))
    }

    /// What a transition does with its event.
    static let transition = """
        redis.call('XADD', KEYS[1], '*', 'data', ARGV[1])
        redis.call('PUBLISH', ARGV[2], ARGV[1])
        return 1
        """

    /// Changes an order without telling anyone.
    func change(_ id: String = "1") { versions.withLock { $0[id, default: 0] += 1 } }

    /// Changes an order and publishes it as a transition would.
    func publish(
        _ type: String = "OrderCancelled", of id: String = "1", by service: String = "order",
        on redis: RedisClient, namespace: String, script: String = transition
    ) async throws {
        change(id)
        let event = CloudEvent(
            source: "/\(service)", type: type, subject: id, data: Array("{}".utf8))
        let keys = CacheKeys(namespace: namespace)
        _ = try await redis.evaluate(
            RedisScript(script),
            keys: [keys.events.stream(type, owner: service)],
            arguments: [.bytes(event.json()), .string(keys.events.channel(type))])
    }
}

extension CacheAnswer {
    var version: Int { Int(String(buffer: response.body)) ?? -1 }
}

/// Waits for a condition; records an issue if it does not come about, and goes on.
func until(
    sourceLocation: SourceLocation = #_sourceLocation, _ condition: @Sendable () async -> Bool
) async {
    try? await eventually(
        "what the test waits for", sourceLocation: sourceLocation, condition)
}

/// A namespace of a test's own.
func freshNamespace(_ server: RedisServer) -> String {
    String(server.keyspace().dropLast())
}
