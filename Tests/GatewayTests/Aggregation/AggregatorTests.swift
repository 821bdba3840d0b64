import Gateway
import NIOCore
import NIOHTTP1
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(3)))
struct AggregatorTests {
    static func yaml(_ origin: OriginServer) -> String {
        """
        upstreams:
          shop:
            targets: ["http://127.0.0.1:\(origin.port)"]
            retry: {attempts: 1}
        routes:
          - name: details
            path: /orders/{id}/details
            cache: {ttl: 60s, negative_ttl: 5s, partial_ttl: 0s, scope: shared}
            aggregate:
              parts:
                order: {upstream: shop, path: "/orders/{id}", tags: ["order:{id}"]}
                user:
                  upstream: shop
                  path: /users/{order.userId}
                  on_error: omit
                  tags: ["user:{order.userId}"]
                product:
                  upstream: shop
                  path: /products/{order.productId}
                  on_error: default
                  default: {name: unknown}
                  select: [name]
                payment: {upstream: shop, path: "/payments/{id}", absent: null}
                shipment: {upstream: shop, path: "/shipments/{id}", absent: omit, on_error: omit}
        """
    }

    /// Answers by path; paths that are not named are not there.
    static func origin(_ answers: [String: OriginServer.Answer]) async throws -> OriginServer {
        try await OriginServer.start { request in
            answers[request.target] ?? .init(status: 404, body: #"{"status":404}"#)
        }
    }

    static let order = OriginServer.Answer(
        body: #"{"id":"1","userId":"u 1","productId":7,"status":"pending"}"#)
    static let whole: [String: OriginServer.Answer] = [
        "/orders/1": order, "/users/u%201": .init(body: #"{"id":"u 1","name":"Ada"}"#),
        "/products/7": .init(body: #"{"id":7,"name":"Shoes","price":5}"#),
        "/payments/1": .init(body: #"{"status":"charged"}"#),
        "/shipments/1": .init(body: #"{"status":"arranged"}"#),
    ]

    static func with(
        _ answers: [String: OriginServer.Answer],
        _ body: (RawConnection, OriginServer, ResponseCache) async throws -> Void
    ) async throws {
        let origin = try await origin(answers)
        try await GatewayUnderTest.with(yaml(origin)) { port, cache in
            try await body(RawConnection(port: port), origin, cache)
        }
        await origin.stop()
    }

    @Test func partsStandInTheOrderOfTheFile() async throws {
        try await Self.with(Self.whole) { client, origin, cache in
            let answer = try await client.get("/orders/1/details")

            #expect(
                answer.body
                    == #"{"order":{"id":"1","userId":"u 1","productId":7,"status":"pending"},"#
                    + #""user":{"id":"u 1","name":"Ada"},"product":{"name":"Shoes"},"#
                    + #""payment":{"status":"charged"},"shipment":{"status":"arranged"}}"#)
            #expect(answer.fields["x-aggregate-complete"] == "true")
            #expect(answer.fields["cache-status"]?.contains("stored") == true)
            let second = try await client.get("/orders/1/details")
            #expect(second.fields["cache-status"]?.contains("hit") == true)
            #expect(second.body == answer.body)
            #expect(origin.count == 5)
        }
    }

    @Test func aTagOfAnyPartTakesTheWholeAway() async throws {
        try await Self.with(Self.whole) { client, origin, cache in
            for tag in [CacheTag("order", "1"), CacheTag("user", "u 1")] {
                _ = try await client.get("/orders/1/details")
                await cache.invalidate([tag], cause: "test-\(tag)")
                let after = try await client.get("/orders/1/details")
                #expect(after.fields["cache-status"]?.contains("uri-miss") == true)
            }
        }
    }

    @Test func aTagThatThePartsOwnAnswerNamesTakesTheWholeAway() async throws {
        let origin = try await Self.origin(Self.whole)
        let yaml = Self.yaml(origin).replacing(
            #"tags: ["order:{id}"]"#, with: #"tags: ["order:{id}", "product:{order.productId}"]"#)
        try await GatewayUnderTest.with(yaml) { port, cache in
            let client = try await RawConnection(port: port)
            for cause in ["first", "second"] {
                _ = try await client.get("/orders/1/details")
                let hit = try await client.get("/orders/1/details")
                #expect(hit.fields["cache-status"]?.contains("hit") == true)
                await cache.invalidate([CacheTag("product", "7")], cause: cause)
                let after = try await client.get("/orders/1/details")
                #expect(after.fields["cache-status"]?.contains("uri-miss") == true)
            }
        }
        await origin.stop()
    }

    @Test func whatIsNotThereYetIsNoError() async throws {
        var answers = Self.whole
        answers["/payments/1"] = nil
        answers["/shipments/1"] = nil
        try await Self.with(answers) { client, _, _ in
            let answer = try await client.get("/orders/1/details")

            #expect(answer.status == 200)
            #expect(answer.body.hasSuffix(#""product":{"name":"Shoes"},"payment":null}"#))
            #expect(answer.fields["x-aggregate-complete"] == "true")
            #expect(answer.fields["cache-status"]?.contains("stored") == true)
        }
    }

    @Test func failedPartsAreTreatedAsDeclared() async throws {
        var answers = Self.whole
        answers["/users/u%201"] = .init(status: 500)
        answers["/products/7"] = .init(body: "{broken")
        answers["/shipments/1"] = .init(status: 503)
        try await Self.with(answers) { client, _, cache in
            let answer = try await client.get("/orders/1/details")

            #expect(answer.status == 200)
            #expect(
                answer.body.hasSuffix(
                    #""status":"pending"},"product":{"name":"unknown"},"#
                        + #""payment":{"status":"charged"},"_errors":["#
                        + #"{"part":"user","status":502,"code":"upstream_broken"},"#
                        + #"{"part":"product","status":502,"code":"upstream_broken"},"#
                        + #"{"part":"shipment","status":503,"code":"upstream_unavailable"}]}"#))
            #expect(answer.fields["x-aggregate-complete"] == "false")
            #expect(cache.size.entries == 0)
        }
    }

    @Test func aRequiredPartDecidesTheStatus() async throws {
        var answers = Self.whole
        answers["/orders/1"] = nil
        try await Self.with(answers) { client, origin, _ in
            let missing = try await client.get("/orders/1/details")
            #expect(missing.status == 404)
            #expect(missing.fields["content-type"] == "application/problem+json")
            #expect(missing.body.contains("order_not_found"))
            #expect(!origin.asked.contains { $0.target.hasPrefix("/users") })
        }
        answers["/orders/1"] = Self.order
        answers["/payments/1"] = .init(status: 500)
        try await Self.with(answers) { client, _, _ in
            let answer = try await client.get("/orders/1/details")
            #expect(answer.status == 502)
        }
    }

    @Test func valuesFromPartsCannotLeaveTheirSegment() async throws {
        let evil = #"../admin?x=1#\r\nX: 1"#
        var answers = Self.whole
        answers["/orders/1"] = .init(body: #"{"id":"1","userId":"\#(evil)","productId":".."}"#)
        try await Self.with(answers) { client, origin, _ in
            _ = try await client.get("/orders/1/details")

            let targets = Set(origin.asked.map(\.target))
            #expect(
                targets == [
                    "/orders/1", "/payments/1", "/shipments/1",
                    "/users/..%2Fadmin%3Fx%3D1%23%0D%0AX%3A%201",
                ])
        }
    }

    @Test func independentPartsAreFetchedSideBySide() async throws {
        let waiting = Mutex(0)
        let (together, meeting) = AsyncStream.makeStream(of: Void.self)
        let origin = try await OriginServer.start { request in
            guard request.target != "/orders/1" else { return Self.order }
            let count = waiting.withLock {
                $0 += 1
                return $0
            }
            if count == 4 { meeting.finish() }
            for await _ in together {}
            return .init(body: #"{"name":"x"}"#)
        }
        try await GatewayUnderTest.with(Self.yaml(origin)) { port, _ in
            let answer = try await RawConnection(port: port).get("/orders/1/details")
            #expect(answer.fields["x-aggregate-complete"] == "true")
        }
        await origin.stop()
    }

    @Test func lifeIsTheShortestOfTheParts() async throws {
        var answers = Self.whole
        answers["/payments/1"]?.fields.add(name: "Cache-Control", value: "max-age=7")
        try await Self.with(answers) { client, _, _ in
            _ = try await client.get("/orders/1/details")
            let hit = try await client.get("/orders/1/details")
            let status = try #require(hit.fields["cache-status"])
            let ttl = try #require(status.split(separator: "ttl=").last.flatMap { Int($0) })
            #expect((1...7).contains(ttl))
        }
        answers["/payments/1"]?.fields.replaceOrAdd(name: "Cache-Control", value: "no-store")
        try await Self.with(answers) { client, _, cache in
            _ = try await client.get("/orders/1/details")
            #expect(cache.size.entries == 0)
        }
    }
}
