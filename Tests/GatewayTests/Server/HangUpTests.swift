import Gateway
import Logging
import NIOCore
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
        try await RawOrigin.start { $0.hasPrefix("POST") ? nil : answer }
    }

    @Test(arguments: ["1.1", "1.0"])
    func theWorkForAClientThatIsGoneEnds(_ version: String) async throws {
        let origin = try await Self.never()
        try await Self.with(origin) { port, log in
            let client = try await CountingConnection(port: port)
            try await client.send(
                "POST /1 HTTP/\(version)\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
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
                    "POST /\(index) HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
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
