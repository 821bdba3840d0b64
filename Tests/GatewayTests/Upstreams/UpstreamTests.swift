import Gateway
import NIOCore
import NIOHTTP1
import Testing

@Suite(.timeLimit(.minutes(3)))
struct UpstreamTests {
    static func yaml(_ ports: [Int], _ more: String = "") -> String {
        """
        upstreams:
          shop:
            targets: [\(ports.map { "\"http://127.0.0.1:\($0)\"" }.joined(separator: ", "))]
            \(more)
        routes:
          - {name: read, path: "/r/{id}", upstream: shop, cache: {ttl: 60s, negative_ttl: 5s}}
          - {name: write, path: "/r/{id}", methods: [POST, PUT], upstream: shop}
        """
    }

    /// A port that nothing listens on, and that no other test can get meanwhile.
    static let deadPort = 1

    @Test func callsGoRoundTheTargets() async throws {
        let one = try await OriginServer.start { _ in .init(body: "1") }
        let two = try await OriginServer.start { _ in .init(body: "2") }
        try await GatewayUnderTest.with(Self.yaml([one.port, two.port])) { port, _ in
            let client = try await RawConnection(port: port)
            for index in 0..<6 { _ = try await client.request("POST", "/r/\(index)") }

            #expect(one.count == 3)
            #expect(two.count == 3)
        }
        await one.stop()
        await two.stop()
    }

    @Test func aDeadTargetIsPassedOver() async throws {
        let alive = try await OriginServer.start { _ in .init(body: "1") }
        let ports = [Self.deadPort, alive.port]
        try await GatewayUnderTest.with(Self.yaml(ports)) { port, _ in
            let client = try await RawConnection(port: port)
            for index in 0..<4 {
                #expect(try await client.request("POST", "/r/\(index)").status == 200)
            }
        }
        await alive.stop()
    }

    @Test func nobodyThereIsUnavailable() async throws {
        let ports = [Self.deadPort]
        try await GatewayUnderTest.with(Self.yaml(ports)) { port, _ in
            let client = try await RawConnection(port: port)
            let answer = try await client.get("/r/1")

            #expect(answer.status == 503)
            #expect(answer.fields["retry-after"] == "1")
            #expect(answer.body.contains("upstream_unavailable"))
        }
    }

    @Test func onlyIdempotentCallsAreTriedAgain() async throws {
        let bad = try await OriginServer.start { _ in .init(status: 503) }
        let good = try await OriginServer.start { _ in .init(body: "1") }
        try await GatewayUnderTest.with(Self.yaml([bad.port, good.port])) { port, _ in
            let client = try await RawConnection(port: port)
            var statuses: [Int] = []
            for index in 0..<4 {
                statuses.append(try await client.request("PUT", "/r/\(index)").status)
            }
            #expect(statuses == [200, 200, 200, 200])
            let before = bad.count
            statuses = []
            for index in 0..<4 {
                statuses.append(try await client.request("POST", "/r/\(index)").status)
            }
            #expect(statuses.sorted() == [200, 200, 503, 503])
            #expect(bad.count - before == 2)
        }
        await bad.stop()
        await good.stop()
    }

    @Test func silenceIsATimeOut() async throws {
        let (forever, _) = AsyncStream.makeStream(of: Void.self)
        let origin = try await OriginServer.start { _ in
            for await _ in forever { break }
            return .init()
        }
        let limits = "timeout: 2s\n    retry: {attempts: 2, per_try_timeout: 1s}"
        try await GatewayUnderTest.with(Self.yaml([origin.port], limits)) { port, _ in
            let client = try await RawConnection(port: port)
            let read = try await client.get("/r/1")
            #expect(read.status == 504)
            #expect(origin.count == 2)
            let write = try await client.request("POST", "/r/1")
            #expect(write.status == 504)
            #expect(origin.count == 3)
        }
        await origin.stop()
    }

    /// Three may be tried again at once; the others' first tries go on.
    @Test func aSlowCallIsGivenUpOnlyForAnotherTry() async throws {
        let (gate, opening) = AsyncStream.makeStream(of: Void.self)
        let origin = try await OriginServer.start { _ in
            for await _ in gate { break }
            return .init()
        }
        let limits =
            "timeout: 60s\n    retry: {attempts: 2, per_try_timeout: 200ms, budget: 0%}"
        try await GatewayUnderTest.with(Self.yaml([origin.port], limits)) { port, _ in
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for index in 1...10 {
                    let client = try await RawConnection(port: port)
                    group.addTask { try await client.request("PUT", "/r/\(index)").status }
                }
                await until { origin.count == 13 }
                opening.finish()
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(statuses == Array(repeating: 200, count: 10))
            // Once the first are answered, others whose time is up may be tried again.
            #expect((13...20).contains(origin.count))
        }
        await origin.stop()
    }

    @Test func callsBeyondConnectionsAndQueueAreRefused() async throws {
        let (gate, opening) = AsyncStream.makeStream(of: Void.self)
        let (asked, asking) = AsyncStream.makeStream(of: Void.self)
        let origin = try await OriginServer.start { _ in
            asking.yield()
            for await _ in gate { break }
            return .init()
        }
        let limits = "connections: 1\n    waiting: 0"
        try await GatewayUnderTest.with(Self.yaml([origin.port], limits)) { port, _ in
            let first = try await RawConnection(port: port)
            let pending = Task { try await first.request("POST", "/r/1") }
            for await _ in asked { break }
            let second = try await RawConnection(port: port)

            let refused = try await second.request("POST", "/r/2")
            opening.finish()

            #expect(refused.status == 503)
            #expect(refused.body.contains("upstream_overloaded"))
            #expect(try await pending.value.status == 200)
        }
        await origin.stop()
    }

    /// Answers that no client should trust.
    static let broken: [String] = [
        "garbage\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 0x5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloworld",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\nx",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        "HTTP/1.1 200 OK\r\nX Y: 1\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\u{0}b\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: \(String(repeating: "x", count: 70_000))\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\(String(repeating: "X: y\r\n", count: 500))\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
        String(repeating: "HTTP/1.1 103 Early Hints\r\n\r\n", count: 50),
        "HTTP/1.1 99 Low\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\n\r\n",
        "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-0/2\r\nContent-Length: 1\r\n\r\nh",
        "HTTP/1.1 700 High\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 abc\r\n\r\n",
        "HTTP/3.7 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "",
        "\r\n\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "\u{16}\u{3}\u{1}",
    ]

    @Test(arguments: broken.indices)
    func brokenAnswersAreBadGatewayAndKeptNowhere(_ index: Int) async throws {
        let origin = try await OriginServer.hostile(Self.broken[index])
        let limits = "retry: {attempts: 1}"
        try await GatewayUnderTest.with(Self.yaml([origin.port], limits)) { port, cache in
            let client = try await RawConnection(port: port)
            let answer = try await client.get("/r/1")

            #expect(answer.status == 502)
            #expect(answer.fields["content-type"] == "application/problem+json")
            #expect(cache.size.entries == 0)
        }
        await origin.stop()
    }

    @Test func bytesAfterAnAnswerNeverReachAnotherCaller() async throws {
        let good = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1"
        let smuggled = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen"
        let origin = try await OriginServer.hostile(good + smuggled, closes: false)
        let limits = "connections: 1"
        try await GatewayUnderTest.with(Self.yaml([origin.port], limits)) { port, _ in
            let clients = try await [RawConnection(port: port), RawConnection(port: port)]
            for client in clients {
                try await client.send(
                    String(repeating: "POST /r/1 HTTP/1.1\r\nHost: a\r\n\r\n", count: 5))
            }
            for client in clients {
                for _ in 1...5 { #expect(try await client.answer().body == "1") }
            }
        }
        await origin.stop()
    }

    @Test func connectionsAreUsedAgain() async throws {
        let origin = try await OriginServer.start { request in
            .init(body: "\"\(request.fields["x-forwarded-for"].first ?? "")\"")
        }
        try await GatewayUnderTest.with(Self.yaml([origin.port], "connections: 1\n    waiting: 0"))
        {
            port, _ in
            let client = try await RawConnection(port: port)
            for _ in 1...10 {
                #expect(try await client.request("POST", "/r/1").status == 200)
            }
        }
        await origin.stop()
    }

    @Test func notFoundIsKeptBriefly() async throws {
        let origin = try await OriginServer.start { _ in .init(status: 404, body: "{}") }
        try await GatewayUnderTest.with(Self.yaml([origin.port])) { port, _ in
            let client = try await RawConnection(port: port)
            _ = try await client.get("/r/1")
            let second = try await client.get("/r/1")

            #expect(second.status == 404)
            #expect(second.fields["cache-status"]?.contains("hit") == true)
            #expect(origin.count == 1)
        }
        await origin.stop()
    }
}
