import EventStreams
import Foundation
import Gateway
import NIOCore
import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import GatewayRedis

/// Events whose message does not come, for whatever reason.
@Suite(.timeLimit(.minutes(3)))
struct MissedMessageTests {
    private let book = OrderBook()

    /// Changes an order as a transition does whose PUBLISH was refused unseen.
    private func publishUnheard(on redis: RedisClient, namespace: String) async throws {
        try await book.publish(
            on: redis, namespace: namespace,
            script: """
                redis.call('XADD', KEYS[1], '*', 'data', ARGV[1])
                redis.pcall('PUBLISH', ARGV[2], ARGV[1])
                return 1
                """)
    }

    @Test func eventsOnAChannelThatTheirServiceMayNotPublishToGiveNothingOld() async throws {
        let server = try await RedisServer.launch()
        let node = try CacheNode(server, namespace: "mute") { $0.silence = .seconds(1) }
        await node.start()
        let admin = server.client()
        // What Redis 7 gives a user by default: no channels at all.
        _ = try await admin.send(
            RedisCommand(
                "ACL", ["SETUSER", "service", "on", ">secret", "~*", "+@all", "resetchannels"]))
        let service = server.client {
            $0.username = "service"
            $0.password = "secret"
        }
        var reasons: Set<String> = []
        var isNamed: Bool { reasons.contains { $0.contains("+publish &saga.OrderCancelled") } }
        var version = 0
        while version < 2 || !isNamed {
            version += 1
            _ = try await node.order(from: book)
            try await publishUnheard(on: service, namespace: "mute")
            let end = Moment.now() + .seconds(1)
            var answered = -1
            while answered != version {
                // What would be given when the time is over, if nothing else came until then.
                let late = node.cache.lookUp(CacheNode.key("1"), at: end)
                #expect(late.map { String(buffer: $0.body) } ?? "\(version)" == "\(version)")
                answered = try await node.order(from: book).version
                if let reason = node.feed.status.reason { reasons.insert(reason) }
                await Task.yield()
            }
        }

        await admin.shutdown()
        await service.shutdown()
        await node.stop()
        await server.stop()
    }

    @Test func lostMessageIsNoticedByTheEntriesOfItsStream() async throws {
        let server = try await RedisServer.launch()
        let one = try CacheNode(server, namespace: "lost")
        let two = try CacheNode(server, namespace: "lost")
        await one.start()
        await two.start()
        _ = try await one.order(from: book)
        _ = try await two.order(from: book)
        try await book.publish(
            on: one.redis, namespace: "lost",
            script: "redis.call('XADD', KEYS[1], '*', 'data', ARGV[1]) return 1")
        await until { [book] in
            let first = try? await one.order(from: book).version
            let second = try? await two.order(from: book).version
            return first == 1 && second == 1
        }
        // The second level has heard of it as well, and the cache comes back into use.
        await until { one.feed.isLive && two.feed.isLive }
        #expect(try await one.order(from: book).version == 1)
        #expect(one.feed.status == .ok)
        await one.stop()
        await two.stop()
        await server.stop()
    }

    @Test func processThatSleptGivesNothingFromBefore() async throws {
        let server = try await RedisServer.launch()
        let node = try CacheNode(server, namespace: "asleep")
        await node.start()
        _ = try await node.order(from: book)
        let key = CacheNode.key("1")

        #expect(node.cache.lookUp(key, at: .now()) != nil)
        // What the clock shows to a process that wakes up, before anything else has run in it.
        #expect(node.cache.lookUp(key, at: .now() + .seconds(16)) == nil)
        #expect(!node.cache.isSuspended)
        await node.stop()
        await server.stop()
    }

    @Test func whatWasKeptIsGivenAgainOnceAFenceIsBack() async throws {
        let server = try await RedisServer.launch()
        let node = try CacheNode(server, namespace: "hiccup", silence: .milliseconds(300))
        await node.start()
        _ = try await node.order(from: book)
        let key = CacheNode.key("1")
        server.pause()
        await until { node.cache.lookUp(key, at: .now()) == nil }
        server.resume()
        await until { node.cache.lookUp(key, at: .now()) != nil }

        #expect(book.fetchCount == 1)
        await node.stop()
        await server.stop()
    }

    /// The first rule of README for a gateway, which breaks it into lines.
    private static func rightsInReadme() throws -> [String] {
        let readme = URL(filePath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "README.md")
        let text = try String(contentsOf: readme, encoding: .utf8)
        let start = try #require(text.firstRange(of: "\n~saga:* ~cache:* "))
        let rest = text[start.lowerBound...]
        let end = try #require(rest.firstRange(of: "\n\n"))
        return rest[..<end.lowerBound].split { $0.isWhitespace }.map(String.init)
    }

    @Test func rightsThatReadmeNamesAreAllThatIsNeeded() async throws {
        let server = try await RedisServer.launch()
        let admin = server.client()
        let words = try Self.rightsInReadme().map { RedisArgument.string($0) }
        _ = try await admin.send(
            RedisCommand("ACL", ["SETUSER", "gateway", "reset", "on", ">secret"] + words))
        let one = try CacheNode(server, namespace: "", user: ("gateway", "secret"))
        let two = try CacheNode(server, namespace: "", user: ("gateway", "secret"))
        await one.start()
        await two.start()
        _ = try await one.order(from: book)
        await until { [book] in (try? await two.order(from: book).status) != nil }
        await until {
            let found = try? await admin.send(.scan("0", match: "cache:entry:*", count: 10_000))
            return found?[1]?.array?.isEmpty == false
        }
        try await book.publish(on: admin, namespace: "")
        await until { [book] in (try? await one.order(from: book).version) == 1 }
        book.change()
        await one.cache.invalidate([CacheTag("order", "1")], cause: "write")
        await until { [book] in (try? await two.order(from: book).version) == 2 }
        let stream = CacheKeys(namespace: "").events.stream("OrderCancelled", owner: "order")
        await until {
            let groups = try? await admin.send(.xinfoGroups(stream)).array
            return groups?.isEmpty == false
        }
        let log = try await admin.send(RedisCommand("ACL", ["LOG"])).requireArray()

        #expect(log.isEmpty, "\(log)")
        await admin.shutdown()
        await one.stop()
        await two.stop()
        await server.stop()
    }

    @Test func feedThatIsCutOffEndsTheUseOfTheCacheByItself() async throws {
        let server = try await RedisServer.launch()
        let node = try CacheNode(server, namespace: "cut off", readTimeout: .milliseconds(50)) {
            $0.silence = .seconds(1)
        }
        await node.start()
        _ = try await node.order(from: book)
        server.pause()
        book.change()
        // No fence that was sent before comes to more than this.
        node.advance(by: .seconds(1))

        #expect(try await node.order(from: book).version == 1)
        server.resume()
        await node.stop()
        await server.stop()
    }

    @Test(arguments: ["-xinfo", "-publish", "-evalsha -eval", "-xrange"])
    func commandThatIsRefusedIsTheReason(rights: String) async throws {
        let server = try await RedisServer.launch()
        let admin = server.client()
        let words = rights.split(separator: " ").map { RedisArgument.string(String($0)) }
        _ = try await admin.send(
            RedisCommand(
                "ACL",
                ["SETUSER", "gateway", "on", ">secret", "~*", "&*", "+@all"] + words))
        let node = try CacheNode(
            server, namespace: "rights", silence: .milliseconds(300),
            user: ("gateway", "secret"))
        node.begin()
        await until { node.feed.status.reason?.hasPrefix("Redis refused: ") == true }
        let reason = node.feed.status.reason ?? ""

        // Which rights to add says the list of all that the process needs.
        #expect(!reason.contains("+"), "\(reason)")
        #expect(node.cache.isSuspended)
        await admin.shutdown()
        await node.stop()
        await server.stop()
    }
}

extension FeedStatus {
    fileprivate var reason: String? {
        switch self {
        case .ok: nil
        case .held(_, let reason), .suspended(_, let reason): reason
        }
    }
}
