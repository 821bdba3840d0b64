import Gateway
import Logging
import NIOCore
import Synchronization
import Testing

/// Clients that do not wait for their answers.
@Suite(.timeLimit(.minutes(2)))
struct HangUpTests {
    private static func with(
        _ origin: RawOrigin, _ limits: String = "connections: 64",
        _ body: (_ port: Int, _ log: AccessLogTests.Lines) async throws -> Void
    ) async throws {
        let lines = AccessLogTests.Lines()
        let logger = Logger(label: "gateway") { _ in AccessLogTests.Recorder(lines: lines) }
        let yaml = """
            upstreams:
              shop:
                targets: ["http://127.0.0.1:\(origin.port)"]
                timeout: 60s
                \(limits)
            routes:
              - {name: act, path: "/{id}", methods: [GET, POST], upstream: shop, timeout: 60s}
            """
        try await GatewayUnderTest.with(yaml, logger: logger) { port, _ in
            try await body(port, lines)
        }
        await origin.stop()
    }

    private static let answer = ByteBuffer(
        string: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    private static func never() async throws -> RawOrigin {
        try await RawOrigin.start { $0.contains(" /never") ? nil : answer }
    }

    @Test func theWorkForAClientThatIsGoneEnds() async throws {
        let origin = try await Self.never()
        try await Self.with(origin) { port, log in
            let client = try await CountingConnection(port: port)
            try await client.send("GET /never HTTP/1.1\r\nHost: a\r\n\r\n")
            await until { origin.requests.count == 1 }
            #expect(origin.openConnections == 1)

            await client.close()
            await until { origin.openConnections == 0 && !log.requests.isEmpty }

            #expect(log.requests.count == 1)
            #expect(log.requests.first?["status"]?.description == "499")
            #expect(log.requests.first?["route"]?.description == "act")
        }
    }

    @Test func clientsThatAreGoneLeaveTheUpstreamToOthers() async throws {
        let origin = try await Self.never()
        try await Self.with(origin, "connections: 4") { port, log in
            for index in 1...16 {
                let client = try await CountingConnection(port: port)
                try await client.send(
                    "GET /never\(index) HTTP/1.1\r\nHost: a\r\n\r\n")
                if index <= 4 { await until { origin.requests.count == index } }
                await client.close()
            }
            let client = try await CountingConnection(port: port)
            try await client.send("GET /last HTTP/1.1\r\nHost: a\r\n\r\n")

            #expect(try await client.answer().body == ByteBuffer(string: "ok"))
            await until { log.requests.count == 17 }
            #expect(log.requests.filter { $0["status"]?.description == "499" }.count == 16)
            await client.close()
        }
    }

    @Test func whoHasOnlyEndedItsSendingIsAnswered() async throws {
        let (gate, opening) = AsyncStream.makeStream(of: Void.self)
        let origin = try await OriginServer.start { _ in
            for await _ in gate { break }
            return .init(body: "\"late\"")
        }
        let yaml = """
            upstreams: {shop: {targets: ["http://127.0.0.1:\(origin.port)"], timeout: 60s}}
            routes: [{name: act, path: "/{id}", methods: [POST], upstream: shop, timeout: 60s}]
            """
        try await GatewayUnderTest.with(yaml) { port, _ in
            let client = try await CountingConnection(port: port)
            try await client.send("POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
            try await client.endSending()
            async let answer = client.answer()
            await until { await client.interimAnswers == 1 }
            opening.finish()

            #expect(try await answer.body == ByteBuffer(string: "\"late\""))
            #expect(await client.surplus() == 0)
            #expect(origin.count == 1)
        }
        await origin.stop()
    }

    @Test func pipelinedRequestsBeforeTheEndAreAllAnswered() async throws {
        let origin = try await Self.never()
        try await Self.with(origin) { port, log in
            let client = try await CountingConnection(port: port)
            try await client.send(
                String(repeating: "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n", count: 20))
            try await client.endSending()
            for _ in 1...20 { #expect(try await client.answer().status == 200) }

            #expect(await client.surplus() == 0)
            await until { log.requests.count >= 20 }
            #expect(log.requests.count == 20)
        }
    }

    @Test func whatAnAbandonedChangeMayHaveDoneIsForgotten() async throws {
        let origin = try await RawOrigin.start { $0.hasPrefix("PUT") ? nil : Self.answer }
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

    /// A shop that tells its state, and changes it when the gate opens.
    private static func changing(
        _ body: (
            _ port: Int, _ cache: ResponseCache, _ shop: OriginServer,
            _ gate: AsyncStream<Void>.Continuation, _ log: AccessLogTests.Lines
        ) async throws -> Void
    ) async throws {
        let lines = AccessLogTests.Lines()
        let logger = Logger(label: "gateway") { _ in AccessLogTests.Recorder(lines: lines) }
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
              hasty: {targets: ["http://127.0.0.1:\(shop.port)"], timeout: 100ms}
              idle: {targets: ["http://127.0.0.1:\(shop.port)"], timeout: 60s}
            routes:
              - {name: r, path: "/{id}", upstream: idle, cache: {ttl: 1h}}
              - {name: w, path: "/{id}", methods: [PUT], upstream: shop, timeout: 60s}
              - {name: h, path: "/hasty/{id}", upstream: idle, cache: {ttl: 1h}}
              - {name: hw, path: "/hasty/{id}", methods: [PUT], upstream: hasty}
            """
        try await GatewayUnderTest.with(yaml, logger: logger) { port, cache in
            try await body(port, cache, shop, opening, lines)
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

    @Test func anOldClientThatEndedItsSendingGetsALateAnswer() async throws {
        let origin = try await OriginServer.start { _ in
            try? await Task.sleep(for: .milliseconds(1_400))
            return .init(body: "late")
        }
        let yaml = """
            upstreams: {shop: {targets: ["http://127.0.0.1:\(origin.port)"], timeout: 60s}}
            routes: [{name: act, path: "/{id}", upstream: shop, timeout: 60s}]
            """
        try await GatewayUnderTest.with(yaml) { port, _ in
            let client = try await CountingConnection(port: port)
            try await client.send("GET /1 HTTP/1.0\r\n\r\n")
            try await client.endSending()

            #expect(try await client.answer().body == ByteBuffer(string: "late"))
        }
        await origin.stop()
    }

    @Test(arguments: ["GET", "GET /1 HT", "POST /1 HTTP/1.1\r\nHost: a\r\n"])
    func aHeadThatBreaksOffCounts(_ head: String) async throws {
        let origin = try await Self.never()
        try await Self.with(origin) { port, log in
            let client = try await CountingConnection(port: port)
            try await client.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n" + head)
            #expect(try await client.answer().status == 200)
            await client.close()
            await until { log.requests.count == 2 }
            let silent = try await CountingConnection(port: port)
            await silent.close()
            let other = try await RawConnection(port: port)
            #expect(try await other.get("/1").status == 200)
            await until { log.requests.count > 2 }

            #expect(log.requests.count == 3)
            #expect(log.requests.dropFirst().first?["status"]?.description == "499")
        }
    }

    @Test func anUploadThatBreaksOffCounts() async throws {
        let origin = try await Self.never()
        try await Self.with(origin) { port, log in
            let client = try await CountingConnection(port: port)
            try await client.send("POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf")
            await client.close()
            await until { !log.requests.isEmpty }

            #expect(log.requests.first?["status"]?.description == "499")
            #expect(origin.requests.isEmpty)
        }
    }
}
