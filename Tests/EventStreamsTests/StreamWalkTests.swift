import NIOCore
import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import EventStreams

@Suite(.redisServer, .timeLimit(.minutes(2)))
struct StreamWalkTests {
    /// Runs with a client that takes no reply of more than 1 MB, and a stream.
    private func withStream(
        _ body: (RedisClient, String) async throws -> Void
    ) async throws {
        let redis = RedisServer.current.client { $0.replyBytesMaximum = 1 << 20 }
        try await body(redis, RedisServer.current.keyspace() + "stream")
        await redis.shutdown()
    }

    /// Adds entries of such a size, one after another.
    private func add(
        _ count: Int, of bytes: Int, to stream: String, _ redis: RedisClient,
        label: KeyValuePairs<String, RedisArgument> = [:]
    ) async throws -> [String] {
        let text = RedisArgument.string(String(repeating: "x", count: bytes))
        var words: [RedisArgument] = [.string(stream), "*", "data", text]
        for (name, value) in label { words += [.string(name), value] }
        var ids: [String] = []
        for _ in 0..<count {
            ids.append(try await redis.send(RedisCommand("XADD", words)).requireString())
        }
        return ids
    }

    private func all(_ walk: StreamWalk) async throws -> [StreamWalk.Page] {
        var walk = walk
        var pages: [StreamWalk.Page] = []
        while let page = try await walk.next() { pages.append(page) }
        return pages
    }

    private func pages(
        _ stream: String, _ redis: RedisClient, from place: String = "-"
    ) async throws -> [StreamWalk.Page] {
        try await all(StreamPages(redis).walk(stream, from: place))
    }

    private func ids(_ pages: [StreamWalk.Page]) -> [String] { pages.flatMap(\.found).map(\.id) }

    @Test func everyEntryComesOnceAndInOrder() async throws {
        try await withStream { redis, stream in
            let added = try await add(1_200, of: 10, to: stream, redis)
            let found = try await pages(stream, redis)

            #expect(ids(found) == added)
            #expect(found.map(\.found.count) == [500, 500, 200])
            let rest = try await pages(stream, redis, from: "(" + added[1_000])
            #expect(ids(rest) == Array(added[1_001...]))
            #expect(try await pages(stream, redis, from: "(" + added[1_199]).isEmpty)
            #expect(try await pages(stream + "2", redis).isEmpty)
        }
    }

    @Test func pagesAreBoundedInBytes() async throws {
        try await withStream { redis, stream in
            let added = try await add(130, of: 64 << 10, to: stream, redis)
            let found = try await pages(stream, redis)

            #expect(ids(found) == added)
            #expect(found.allSatisfy { $0.bytes <= 512 << 10 && $0.found.count > 1 })
        }
    }

    @Test func whatRedisWritesAroundShortFieldsCounts() async throws {
        try await withStream { redis, stream in
            var words: [RedisArgument] = [.string(stream), "*"]
            for _ in 0..<10_000 { words += ["a", "b"] }
            for _ in 0..<3 { _ = try await redis.send(RedisCommand("XADD", words)) }
            let found = try await pages(stream, redis)

            #expect(found.flatMap(\.found).count == 3)
            #expect(found.count == 3)
        }
    }

    @Test func oneThatIsTooLargeIsNamedAndSteppedOver() async throws {
        try await withStream { redis, stream in
            var added = try await add(2, of: 10, to: stream, redis)
            added += try await add(
                1, of: 2 << 20, to: stream, redis,
                label: ["type": "Done", "id": "e1", "correlationid": "s1"])
            added += try await add(1, of: 10, to: stream, redis)
            added += try await add(1, of: 2 << 20, to: stream, redis)
            let found = try await pages(stream, redis).flatMap(\.found)

            #expect(found.map(\.id) == added)
            var named: [EntryLabel] = []
            for case .tooLarge(_, let bytes, let label) in found {
                #expect(bytes > 2 << 20)
                named.append(label)
            }
            #expect(
                named == [
                    EntryLabel(type: "Done", id: "e1", correlationID: "s1"),
                    EntryLabel(type: nil, id: nil, correlationID: nil),
                ])
        }
    }

    /// An ID that is cut would be another's.
    @Test func whatCannotBeALabelIsNone() async throws {
        try await withStream { redis, stream in
            let long = RedisArgument.string(String(repeating: "s", count: 5_000))
            _ = try await add(
                1, of: 2 << 20, to: stream, redis,
                label: ["type": "", "id": long, "correlationid": "s1"])
            let found = try await pages(stream, redis).flatMap(\.found)

            #expect(
                found.map(\.label) == [EntryLabel(type: nil, id: nil, correlationID: "s1")])
        }
    }

    @Test func aReplyThatIsTooLargeIsHalvedUntilItFits() async throws {
        try await withStream { redis, stream in
            let added = try await add(40, of: 30 << 10, to: stream, redis)
            // More than is planned for: as if Redis wrote more around each entry.
            let branch = redis.branch(replyBytesMaximum: 100 << 10)
            let plan = PagePlan(count: 500, bytes: 4 << 20)
            let found = try await all(
                StreamWalk(stream, from: "-", over: branch, plan: plan))

            #expect(ids(found) == added)
            #expect(found.count > 10)
        }
    }

    @Test func whatNeverFitsIsAnErrorAndNoLoop() async throws {
        try await withStream { redis, stream in
            _ = try await add(1, of: 300 << 10, to: stream, redis)
            let branch = redis.branch(replyBytesMaximum: 100 << 10)
            let walk = StreamWalk(stream, from: "-", over: branch, plan: PagePlan())

            await #expect(throws: RedisError.self) { try await all(walk) }
        }
    }

    @Test func redisLooksAtOneEntryMoreThanAPageMayHaveAndNoSecond() async throws {
        try await withStream { redis, stream in
            _ = try await add(20, of: 2 << 20, to: stream, redis)
            let bytes = try await redis.bytesRead(
                by: StreamWalk.script, keys: [stream],
                arguments: ["-", .integer(500), .integer(4 << 20), .integer(1 << 20)])

            #expect(bytes < 9 << 20)
        }
    }
}
