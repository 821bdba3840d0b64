import Gateway
import NIOHTTP1
import Testing

/// What is routed is what is forwarded, however it was written.
@Suite(.timeLimit(.minutes(3)))
struct ForwardedTargetTests {
    static func yaml(_ origin: OriginServer) -> String {
        """
        upstreams:
          shop:
            targets: ["http://127.0.0.1:\(origin.port)"]
            timeout: 1m
            retry: {attempts: 1}
        routes:
          - {name: orders, path: /api/orders, upstream: shop}
          - {name: item, path: "/items/{id}", upstream: shop, cache: {ttl: 60s}}
          - {name: find, path: "/find/{word}", upstream: shop, upstream_path: "/s?all=1&q={word}"}
          - name: page
            path: /pages/{id}
            aggregate:
              parts:
                text: {upstream: shop, path: "/texts?id={id}"}
                more: {upstream: shop, path: "/more?of={text.next}"}
        """
    }

    /// The targets that the upstream saw for those of the client.
    static func forwarded(_ targets: [String]) async throws -> [String] {
        let origin = try await OriginServer.start { _ in .init(body: #"{"next":"a&b=/c"}"#) }
        try await GatewayUnderTest.with(yaml(origin)) { port, _ in
            let client = try await RawConnection(port: port)
            for target in targets {
                let answer = try await client.get(target)
                #expect(answer.status == 200, "\(target)")
            }
        }
        await origin.stop()
        return origin.asked.map(\.target)
    }

    /// Django's APPEND_SLASH redirects what has no slash at its end to the same with one.
    @Test func aServiceThatRedirectsToASlashIsReached() async throws {
        let origin = try await OriginServer.start { request in
            let path = request.target.prefix { $0 != "?" }
            return path.hasSuffix("/")
                ? .init() : .init(status: 301, fields: ["Location": "\(path)/"])
        }
        try await GatewayUnderTest.with(Self.yaml(origin)) { port, _ in
            let client = try await RawConnection(port: port)
            let first = try await client.get("/api/orders")
            let second = try await client.get(first.fields["location"] ?? "")

            #expect(first.status == 301)
            #expect(second.status == 200)
        }
        await origin.stop()
        #expect(origin.asked.map(\.target) == ["/api/orders", "/api/orders/"])
    }

    @Test func aSlashAtTheEndIsForwardedAndKeyed() async throws {
        let targets = ["/items/7", "/items/7/", "/items/7", "/items/7/", "/items/7/?x=1"]

        #expect(try await Self.forwarded(targets) == ["/items/7", "/items/7/", "/items/7/?x=1"])
    }

    /// What a cache does without may still matter to who changes something.
    @Test func theQueryOfAChangeIsForwardedWhole() async throws {
        let origin = try await OriginServer.start { _ in .init() }
        let yaml = """
            upstreams: {shop: {targets: ["http://127.0.0.1:\(origin.port)"]}}
            routes:
              - {name: q, path: "/q/{x}", methods: [GET, DELETE], upstream: shop,
                 cache: {ttl: 60s, vary_query: [page]}}
            """
        try await GatewayUnderTest.with(yaml) { port, _ in
            let client = try await RawConnection(port: port)
            try await client.send("DELETE /q/1?force=no&page=2 HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try await client.answer().status == 200)
            _ = try await client.get("/q/1?force=no&page=2")
        }
        await origin.stop()
        #expect(origin.asked.map(\.target) == ["/q/1?force=no&page=2", "/q/1?page=2"])
    }

    @Test func spellingsOfOneTargetShareOneAnswer() async throws {
        let targets = ["/items/a[1]?f={x|y}&d=5%", "/items/a%5b1%5D?d=5%25&f=%7Bx%7cy%7d"]

        #expect(try await Self.forwarded(targets) == ["/items/a%5B1%5D?d=5%25&f=%7Bx%7Cy%7D"])
    }

    @Test func theQueryOfTheRouteIsJoinedWithTheClients() async throws {
        let targets = ["/find/red", "/find/red?page=2", "/find/a&all=0%23+b/?page=2"]

        #expect(
            try await Self.forwarded(targets) == [
                "/s?all=1&q=red", "/s?all=1&q=red&page=2",
                "/s/?all=1&q=a%26all%3D0%23%2Bb&page=2",
            ])
    }

    @Test func valuesCannotLeaveTheParameterOfAPart() async throws {
        #expect(
            try await Self.forwarded(["/pages/1&x=2"]) == [
                "/texts?id=1%26x%3D2", "/more?of=a%26b%3D%2Fc",
            ])
    }

    @Test func whatOnlyProxiesMaySayIsDropped() async throws {
        let origin = try await OriginServer.start { _ in .init() }
        try await GatewayUnderTest.with(Self.yaml(origin)) { port, _ in
            let client = try await RawConnection(port: port)
            _ = try await client.get(
                "/api/orders",
                [
                    "X-Forwarded-User: root", "X-Forwarded-Client-Cert: x", "X-Envoy-Internal: 1",
                    "X_Forwarded_User: root", "True-Client-IP: 1.1.1.1", "X-Client-IP: 1.1.1.1",
                    "CF-Connecting-IP: 1.1.1.1", "X-Original-Host: evil", "traceparent: broken",
                    "tracestate: vendor=1",
                ])
        }
        await origin.stop()
        let names = Set(try #require(origin.asked.first).fields.map { $0.name.lowercased() })
        let expected: Set = [
            "accept", "content-length", "host", "traceparent", "via", "x-forwarded-for",
            "x-forwarded-host", "x-forwarded-proto", "x-request-id",
        ]
        #expect(names.subtracting(expected).isEmpty)
        #expect(names.contains("x-forwarded-for"))
    }
}
