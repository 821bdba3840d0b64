import Gateway
import NIOCore
import NIOHTTP1
import Testing

@Suite(.timeLimit(.minutes(3)))
struct GatewayServerTests {
    static func yaml(
        _ origin: OriginServer, server: String = "{}", more: String = "obey_client: false"
    ) -> String {
        """
        server: \(server)
        upstreams:
          shop: {targets: ["http://127.0.0.1:\(origin.port)"]}
        routes:
          - {name: list, path: /orders, upstream: shop}
          - {name: create, path: /orders, methods: [POST], upstream: shop}
          - name: order
            path: /orders/{id}
            upstream: shop
            upstream_path: /v1/orders/{id}
            cache:
              {ttl: 60s, tags: ["order:{id}"], vary_query: [view], scope: anonymous, \(more)}
          - name: change
            path: /orders/{id}
            methods: [PUT]
            upstream: shop
            upstream_path: /v1/orders/{id}
            invalidates: ["order:{id}"]
        """
    }

    static func echo() async throws -> OriginServer {
        try await OriginServer.start { request in
            .init(body: #"{"target":"\#(request.target)","body":"\#(request.body)"}"#)
        }
    }

    @Test func aRequestIsRebuiltForItsUpstream() async throws {
        let origin = try await Self.echo()
        try await GatewayUnderTest.with(Self.yaml(origin)) { port, _ in
            let client = try await RawConnection(port: port)
            let answer = try await client.request(
                "POST", "/orders?b=1&a=2",
                [
                    "X-Request-Id: mine-1", "Connection: X-Private", "X-Private: 1",
                    "Keep-Alive: 5", "X-Forwarded-For: 6.6.6.6", "X-HTTP-Method-Override: DELETE",
                    "Accept: text/plain", "TE: trailers", "Proxy-Authorization: x",
                ], body: "hello")

            #expect(answer.status == 200)
            #expect(answer.body == #"{"target":"/orders?b=1&a=2","body":"hello"}"#)
            #expect(answer.fields["x-request-id"] == "mine-1")
            #expect(answer.fields["cache-status"] == "troupe; fwd=method")
            #expect(answer.fields["via"] == "1.1 troupe")
            let asked = try #require(origin.asked.first)
            #expect(asked.fields["x-request-id"] == ["mine-1"])
            #expect(asked.fields["x-forwarded-for"] == ["127.0.0.1"])
            #expect(asked.fields["x-forwarded-host"] == ["shop"])
            #expect(asked.fields["x-forwarded-proto"] == ["http"])
            #expect(asked.fields["host"] == ["127.0.0.1:\(origin.port)"])
            #expect(asked.fields["accept"] == ["text/plain"])
            #expect(asked.fields["via"] == ["1.1 troupe"])
            #expect(asked.fields["traceparent"].count == 1)
            for name in [
                "x-private", "keep-alive", "te", "proxy-authorization", "x-http-method-override",
            ] {
                #expect(!asked.fields.contains(name: name), "\(name)")
            }
        }
        await origin.stop()
    }

    @Test func aSecondRequestIsAHit() async throws {
        let origin = try await Self.echo()
        try await GatewayUnderTest.with(Self.yaml(origin)) { port, _ in
            let client = try await RawConnection(port: port)
            let first = try await client.get("/orders/1")
            let second = try await client.get("/orders/1")
            let other = try await client.get("/orders/2")

            #expect(first.fields["cache-status"]?.hasPrefix("troupe; fwd=uri-miss; stored") == true)
            #expect(second.fields["cache-status"]?.hasPrefix("troupe; hit; ttl=") == true)
            #expect(second.fields["age"] != nil)
            #expect(second.body == #"{"target":"/v1/orders/1","body":""}"#)
            #expect(other.body == #"{"target":"/v1/orders/2","body":""}"#)
            #expect(origin.count == 2)

            let head = try await client.request("HEAD", "/orders/1")
            #expect(head.fields["content-length"] == "\(second.body.utf8.count)")
            let tag = try #require(second.fields["etag"])
            let unchanged = try await client.get("/orders/1", ["If-None-Match: \(tag)"])
            #expect(unchanged.status == 304)
            #expect(unchanged.fields["etag"] == tag)
            #expect(origin.count == 2)
        }
        await origin.stop()
    }

    @Test func onlyDeclaredParametersReachKeyAndUpstream() async throws {
        let origin = try await Self.echo()
        try await GatewayUnderTest.with(Self.yaml(origin)) { port, _ in
            let client = try await RawConnection(port: port)
            let first = try await client.get(
                "/orders/1?x=evil&view=full", ["X-Forwarded-Host: evil", "Origin: evil"])
            let second = try await client.get("/orders/1?view=full&y=2")

            #expect(first.body == second.body)
            #expect(first.body.contains("/v1/orders/1?view=full\""))
            #expect(origin.count == 1)
            #expect(origin.asked[0].fields["x-forwarded-host"].isEmpty)
            #expect(origin.asked[0].fields["origin"].isEmpty)
        }
        await origin.stop()
    }

    @Test func credentialsGoAroundTheCache() async throws {
        let origin = try await OriginServer.start { request in
            .init(body: "\"\(request.fields["authorization"].first ?? "nobody")\"")
        }
        try await GatewayUnderTest.with(Self.yaml(origin)) { port, _ in
            let client = try await RawConnection(port: port)
            let anonymous = try await client.get("/orders/1")
            let one = try await client.get("/orders/1", ["Authorization: one"])
            let two = try await client.get("/orders/1", ["Authorization: two"])
            let again = try await client.get("/orders/1")

            #expect(anonymous.body == "\"nobody\"")
            #expect(one.body == "\"one\"")
            #expect(one.fields["cache-status"] == "troupe; fwd=bypass; detail=credentials")
            #expect(two.body == "\"two\"")
            #expect(again.body == "\"nobody\"")
        }
        await origin.stop()
    }

    @Test func anUnsafeRequestTakesTheOldAnswerAwayBeforeItIsAnswered() async throws {
        let origin = try await Self.echo()
        try await GatewayUnderTest.with(Self.yaml(origin)) { port, _ in
            let client = try await RawConnection(port: port)
            _ = try await client.get("/orders/1")
            _ = try await client.get("/orders/2")

            let changed = try await client.request("PUT", "/orders/1", body: "x")
            let after = try await client.get("/orders/1")
            let other = try await client.get("/orders/2")

            #expect(changed.status == 200)
            #expect(after.fields["cache-status"]?.contains("fwd=uri-miss") == true)
            #expect(other.fields["cache-status"]?.contains("hit") == true)
        }
        await origin.stop()
    }

    @Test func pipelinedRequestsAreAnsweredInOrder() async throws {
        let origin = try await Self.echo()
        try await GatewayUnderTest.with(Self.yaml(origin)) { port, _ in
            let client = try await RawConnection(port: port)
            let get = { (id: Int) in "GET /orders/\(id) HTTP/1.1\r\nHost: a\r\n\r\n" }
            let post = "POST /orders HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"
            try await client.send((1...20).map { get($0 % 3) + post }.joined())

            for index in 1...20 {
                #expect(try await client.answer().body.contains("/v1/orders/\(index % 3)\""))
                #expect(try await client.answer().body.contains("\"hi\""))
            }
        }
        await origin.stop()
    }

    @Test func theGatewayItselfAnswersWhatIsNotRouted() async throws {
        let origin = try await Self.echo()
        try await GatewayUnderTest.with(Self.yaml(origin)) { port, _ in
            let client = try await RawConnection(port: port)
            let none = try await client.get("/nowhere")
            #expect(none.status == 404)
            #expect(none.fields["content-type"] == "application/problem+json")
            #expect(none.body.contains(#""code":"no_such_route""#))

            let wrong = try await client.request("DELETE", "/orders")
            #expect(wrong.status == 405)
            #expect(wrong.fields["allow"] == "GET, HEAD, OPTIONS, POST")

            let options = try await client.request("OPTIONS", "/orders/7")
            #expect(options.status == 204)
            #expect(options.fields["allow"] == "GET, HEAD, OPTIONS, PUT")
            #expect(origin.count == 0)
        }
        await origin.stop()
    }

    @Test func faultsAreAnsweredAndTheConnectionIsClosed() async throws {
        let origin = try await Self.echo()
        try await GatewayUnderTest.with(Self.yaml(origin)) { port, _ in
            for (bytes, status) in [
                ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
                ("GET /orders/%0a HTTP/1.1\r\nHost: a\r\n\r\n", 400),
                ("GET /\(String(repeating: "x", count: 10_000))", 414),
                ("POST /orders HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n", 413),
            ] {
                let client = try await RawConnection(port: port)
                try await client.send(bytes + String(repeating: "y", count: 100_000))
                let answer = try await client.answer()
                #expect(answer.status == status)
                #expect(answer.fields["connection"] == "close")
                #expect(answer.fields["content-type"] == "application/problem+json")
                #expect(await client.rest() == "")
            }
            #expect(origin.count == 0)
        }
        await origin.stop()
    }

    @Test func expectationsAreMetBeforeTheBody() async throws {
        let origin = try await Self.echo()
        try await GatewayUnderTest.with(Self.yaml(origin)) { port, _ in
            let client = try await RawConnection(port: port)
            let fields = "Host: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
            try await client.send("POST /orders HTTP/1.1\r\n" + fields)
            #expect(try await client.answer().status == 100)
            try await client.send("hi")
            #expect(try await client.answer().body.contains("\"hi\""))

            try await client.send("POST /nowhere HTTP/1.1\r\n" + fields)
            let refused = try await client.answer()
            #expect(refused.status == 404)
            #expect(refused.fields["connection"] == "close")
        }
        await origin.stop()
    }

    @Test func oldClientsGetOneAnswerUnlessTheyAsk() async throws {
        let origin = try await Self.echo()
        try await GatewayUnderTest.with(Self.yaml(origin)) { port, _ in
            let plain = try await RawConnection(port: port)
            try await plain.send("GET /orders/1 HTTP/1.0\r\n\r\n")
            #expect(try await plain.answer().fields["connection"] == "close")
            #expect(await plain.rest() == "")

            let kept = try await RawConnection(port: port)
            for _ in 1...2 {
                try await kept.send("GET /orders/1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
                #expect(try await kept.answer().fields["connection"] == "keep-alive")
            }
        }
        await origin.stop()
    }

    @Test func slowClientsAreSentAway() async throws {
        let origin = try await Self.echo()
        let times = "{timeouts: {header: 500ms, body: 500ms, idle: 2s}}"
        try await GatewayUnderTest.with(Self.yaml(origin, server: times)) { port, _ in
            let slowHead = try await RawConnection(port: port)
            try await slowHead.send("GET /orders HTTP/1.1\r\nHost:")
            #expect(try await slowHead.answer().status == 408)

            let slowBody = try await RawConnection(port: port)
            try await slowBody.send(
                "POST /orders HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx")
            #expect(try await slowBody.answer().status == 408)

            let idle = try await RawConnection(port: port)
            #expect(try await idle.get("/orders/1").status == 200)
            #expect(await idle.rest() == "")
        }
        await origin.stop()
    }

    @Test func clientsWishesAboutFreshnessAreMetWhereTheRouteObeysThem() async throws {
        let origin = try await Self.echo()
        try await GatewayUnderTest.with(Self.yaml(origin, more: "obey_client: true")) { port, _ in
            let client = try await RawConnection(port: port)
            let nothing = try await client.get("/orders/1", ["Cache-Control: only-if-cached"])
            #expect(nothing.status == 504)
            _ = try await client.get("/orders/1")
            let kept = try await client.get("/orders/1", ["Cache-Control: only-if-cached"])
            #expect(kept.status == 200)
            let fresh = try await client.get("/orders/1", ["Cache-Control: no-cache"])
            #expect(fresh.fields["cache-status"]?.contains("fwd=request") == true)
            #expect(origin.count == 2)
        }
        await origin.stop()
    }

    @Test(arguments: [
        "Cache-Control: no-cache", "Cache-Control: no-store", "Pragma: no-cache",
        "Cache-Control: max-age=0, min-fresh=9999", "Cache-Control: only-if-cached",
    ])
    func clientsCannotSwitchTheCacheOff(_ field: String) async throws {
        let origin = try await Self.echo()
        try await GatewayUnderTest.with(Self.yaml(origin)) { port, _ in
            let client = try await RawConnection(port: port)
            #expect(try await client.get("/orders/1", [field]).status == 200)
            for _ in 1...3 {
                let answer = try await client.get("/orders/1", [field])
                #expect(answer.fields["cache-status"]?.hasPrefix("troupe; hit; ttl=") == true)
            }
            #expect(origin.count == 1)
        }
        await origin.stop()
    }

    @Test func stoppingLetsAnswersGoOut() async throws {
        let (gate, opening) = AsyncStream.makeStream(of: Void.self)
        let (asked, asking) = AsyncStream.makeStream(of: Void.self)
        let origin = try await OriginServer.start { _ in
            asking.yield()
            for await _ in gate { break }
            return .init(body: "\"late\"")
        }
        let gateway = try await GatewayUnderTest.start(Self.yaml(origin))
        let busy = try await RawConnection(port: gateway.port)
        let idle = try await RawConnection(port: gateway.port)
        #expect(try await idle.get("/nowhere").status == 404)
        let pending = Task { try await busy.request("POST", "/orders") }
        for await _ in asked { break }

        gateway.running.cancel()
        #expect(await idle.rest() == "")
        opening.finish()

        let answer = try await pending.value
        #expect(answer.body == "\"late\"")
        #expect(answer.fields["connection"] == "close")
        _ = await gateway.running.result
        await origin.stop()
    }
}
