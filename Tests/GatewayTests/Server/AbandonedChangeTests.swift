import Gateway
import Logging
import NIOCore
import Synchronization
import Testing
import TroupeRedisTestKit

/// Changes whose clients do not wait for them, or waited too long.
@Suite(.timeLimit(.minutes(2)))
struct AbandonedChangeTests {
    /// A shop that tells its state, and changes it when the gate opens.
    private static func changing(
        _ body: (
            _ port: Int, _ cache: ResponseCache, _ shop: OriginServer,
            _ gate: AsyncStream<Void>.Continuation, _ log: RecordedLog
        ) async throws -> Void
    ) async throws {
        let log = RecordedLog()
        let (gate, opening) = AsyncStream.makeStream(of: Void.self)
        let state = Mutex("old")
        let shop = try await OriginServer.start { request in
            guard request.method == "PUT" else { return .init(body: state.withLock { $0 }) }
            for await _ in gate { break }
            state.withLock { $0 = "new" }
            return .init()
        }
        let yaml = """
            upstreams:
              shop: {targets: ["http://127.0.0.1:\(shop.port)"], timeout: 60s, connections: 1}
              hasty: {targets: ["http://127.0.0.1:\(shop.port)"], timeout: 1s}
              idle: {targets: ["http://127.0.0.1:\(shop.port)"], timeout: 60s}
            routes:
              - {name: r, path: "/{id}", upstream: idle, cache: {ttl: 1h}}
              - {name: w, path: "/{id}", methods: [PUT], upstream: shop, timeout: 60s}
              - {name: h, path: "/hasty/{id}", upstream: idle, cache: {ttl: 1h}}
              - {name: hw, path: "/hasty/{id}", methods: [PUT], upstream: hasty}
            """
        try await GatewayUnderTest.with(yaml, logger: log.logger) { port, cache in
            try await body(port, cache, shop, opening, log)
        }
        opening.finish()
        await shop.stop()
    }

    private static func put(_ path: String) -> String {
        "PUT \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
    }

    @Test func aChangeMadeAfterItsClientHungUpIsSeen() async throws {
        try await Self.changing { port, cache, shop, gate, _ in
            let reader = try await RawConnection(port: port)
            #expect(try await reader.get("/1").body == "old")
            let writer = try await CountingConnection(port: port)
            try await writer.send(Self.put("/1"))
            await until { shop.count == 2 }
            await writer.close()
            await until { cache.size.entries == 0 }
            #expect(try await reader.get("/1").body == "old")
            #expect(cache.size.entries == 1)

            gate.finish()
            await until { cache.size.entries == 0 }

            #expect(try await reader.get("/1").body == "new")
        }
    }

    @Test func aChangeMadeAfterItsTimeWasUpIsSeen() async throws {
        try await Self.changing { port, cache, shop, gate, _ in
            let client = try await RawConnection(port: port)
            #expect(try await client.get("/hasty/1").body == "old")
            #expect(try await client.request("PUT", "/hasty/1").status == 504)
            #expect(try await client.get("/hasty/1").body == "old")
            #expect(cache.size.entries == 1)

            gate.finish()
            await until { cache.size.entries == 0 }

            #expect(try await client.get("/hasty/1").body == "new")
        }
    }

    @Test func aStopForgetsWhatAnAbandonedChangeMayStillDo() async throws {
        var kept: ResponseCache?
        try await Self.changing { port, cache, shop, _, _ in
            let reader = try await RawConnection(port: port)
            #expect(try await reader.get("/1").body == "old")
            let writer = try await CountingConnection(port: port)
            try await writer.send(Self.put("/1"))
            await until { shop.count == 2 }
            await writer.close()
            await until { cache.size.entries == 0 }
            #expect(try await reader.get("/1").body == "old")
            #expect(cache.size.entries == 1)
            kept = cache
        }
        #expect(kept?.size.entries == 0)
    }

    @Test func aChangeThatWasNeverSentTakesNothingAway() async throws {
        try await Self.changing { port, cache, shop, gate, log in
            let reader = try await RawConnection(port: port)
            #expect(try await reader.get("/2").body == "old")
            let first = try await CountingConnection(port: port)
            try await first.send(Self.put("/1"))
            await until { shop.count == 2 }
            let second = try await CountingConnection(port: port)
            try await second.send(Self.put("/2"))
            await second.close()
            await until { log.requests.contains { $0["status"]?.description == "499" } }
            // In line behind the second, which has been given up.
            let third = try await RawConnection(port: port)
            gate.finish()
            #expect(try await third.request("PUT", "/3").status == 200)

            #expect(cache.size.entries == 1)
            #expect(!shop.asked.contains { $0.method == "PUT" && $0.target == "/2" })
            await first.close()
        }
    }

    @Test func whatAnAbandonedChangeMayHaveDoneIsForgotten() async throws {
        let answer = ByteBuffer(string: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        let origin = try await RawOrigin.start { $0.hasPrefix("PUT") ? nil : answer }
        let yaml = """
            upstreams: {shop: {targets: ["http://127.0.0.1:\(origin.port)"], timeout: 60s}}
            routes:
              - {name: r, path: "/{id}", upstream: shop, cache: {ttl: 1h, tags: ["a:{id}"]}}
              - name: w
                path: "/{id}"
                methods: [PUT]
                upstream: shop
                timeout: 60s
                invalidates: ["a:{id}"]
            """
        try await GatewayUnderTest.with(yaml) { port, cache in
            let reader = try await CountingConnection(port: port)
            try await reader.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try await reader.answer().status == 200)
            #expect(cache.size.entries == 1)
            let writer = try await CountingConnection(port: port)
            try await writer.send("PUT /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
            await until { origin.requests.count == 2 }

            await writer.close()
            await until { cache.size.entries == 0 }

            try await reader.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try await reader.answer().status == 200)
            #expect(origin.requests.count == 3)
            await reader.close()
        }
        await origin.stop()
    }

    @Test func aStopTakesAwayAtOnceWhatWasToBeTakenAwayLater() async throws {
        var kept: ResponseCache?
        try await Self.changing { port, cache, shop, _, _ in
            let client = try await RawConnection(port: port)
            #expect(try await client.request("PUT", "/hasty/1").status == 504)
            #expect(try await client.get("/hasty/1").body == "old")
            #expect(cache.size.entries == 1)
            kept = cache
        }
        #expect(kept?.size.entries == 0)
    }

    @Test func aStopTellsOthersWhatTheyCouldNotBeTold() async throws {
        let second = MemorySecondLevel()
        let origin = try await OriginServer.start { _ in .init() }
        let yaml = """
            upstreams: {shop: {targets: ["http://127.0.0.1:\(origin.port)"]}}
            routes:
              - {name: r, path: "/{id}", upstream: shop, cache: {ttl: 1h}}
              - {name: w, path: "/{id}", methods: [PUT], upstream: shop}
            """
        try await GatewayUnderTest.with(yaml, secondLevel: second) { port, cache in
            second.state.withLock { $0.isAway = true }
            let client = try await RawConnection(port: port)
            #expect(try await client.request("PUT", "/1").status == 200)
            #expect(!cache.isSettled)
            second.state.withLock { $0.isAway = false }
        }
        let told = second.state.withLock { $0.announced }
        #expect(told.map { $0.tags.contains(CacheTag("path", "/1")) } == [true])
        await origin.stop()
    }
}
