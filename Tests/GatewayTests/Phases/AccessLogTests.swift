import Gateway
import Logging
import Testing
import TroupeRedisTestKit

@Suite(.timeLimit(.minutes(3)))
struct AccessLogTests {
    static func yaml(_ origin: OriginServer, _ log: String) -> String {
        """
        server: {access_log: \(log)}
        upstreams: {shop: {targets: ["http://127.0.0.1:\(origin.port)"]}}
        routes:
          - {name: item, path: "/items/{id}", upstream: shop, cache: {ttl: 60s}}
          - {name: buy, path: "/items/{id}", methods: [POST], upstream: shop}
        """
    }

    static func requests(_ setting: String) async throws -> [Logger.Metadata] {
        let log = RecordedLog()
        let origin = try await OriginServer.start { _ in .init(body: "{}") }
        try await GatewayUnderTest.with(yaml(origin, setting), logger: log.logger) { port, _ in
            let client = try await RawConnection(port: port)
            _ = try await client.get("/items/1?x=1", ["X-Request-Id: mine"])
            for _ in 1...10 { _ = try await client.get("/items/1?x=1") }
            _ = try await client.request("POST", "/items/1")
            _ = try await client.get("/other")
        }
        await origin.stop()
        return log.requests
    }

    @Test func everythingButHitsIsLogged() async throws {
        let requests = try await Self.requests("{}")

        #expect(requests.count == 3)
        let miss = try #require(requests.first)
        #expect(miss["route"] == "item")
        #expect(miss["method"] == "GET")
        #expect(miss["path"] == "/items/1?x=1")
        #expect(miss["status"]?.description == "200")
        #expect(miss["cache"] == "miss")
        #expect(miss["request_id"] == "mine")
        #expect(requests[1]["route"] == "buy")
        #expect(requests[1]["upstream"] != nil)
        #expect(requests[2]["route"] == "none")
        #expect(requests[2]["status"]?.description == "404")
    }

    @Test func whoAskedIsToldAlsoOfWhatIsRefused() async throws {
        let log = RecordedLog()
        let origin = try await OriginServer.start { _ in .init(body: "{}") }
        try await GatewayUnderTest.with(Self.yaml(origin, "{}"), logger: log.logger) { port, _ in
            let client = try await RawConnection(port: port)
            _ = try await client.get(
                "/items/1?token=x",
                ["User-Agent: curl/8", "X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https"])
            for refused in ["BREW /pot?a=1 HTTP/1.1", "GET /a\u{5C}b HTTP/1.1", "nonsense"] {
                let client = try await RawConnection(port: port)
                try await client.send(
                    "\(refused)\r\nHost: api.shop.example\r\nUser-Agent: kettle\r\n\r\n")
                _ = try? await client.answer()
            }
        }
        await origin.stop()

        let first = try #require(log.requests.first)
        #expect(first["client"] == "127.0.0.1")
        #expect(first["peer"]?.description.hasPrefix("127.0.0.1:") == true)
        #expect(first["host"] == "shop")
        #expect(first["user_agent"] == "curl/8")
        #expect(first["forwarded_for"] == "203.0.113.9")
        let refused = log.requests.dropFirst()
        #expect(refused.map { $0["method"] } == ["BREW", "GET", "nonsense"])
        #expect(refused.map { $0["path"] } == ["/pot?a=1", "/a\u{5C}b", ""])
        #expect(refused.map { $0["status"]?.description } == ["501", "400", "400"])
        #expect(refused.first?["host"] == "api.shop.example")
        #expect(refused.first?["user_agent"] == "kettle")
        #expect(refused.allSatisfy { $0["client"] == "127.0.0.1" })
    }

    @Test func aShareOfHitsIsLoggedOnWish() async throws {
        let requests = try await Self.requests("{hits: 50%}")

        #expect(requests.filter { $0["cache"] == "hit" }.count == 5)
    }

    @Test func nothingIsLoggedWhenOff() async throws {
        #expect(try await Self.requests("{enabled: false}").isEmpty)
    }
}
