import Gateway
import NIOHTTP1
import Testing

/// What one client sends must never come back to another (cache poisoning).
@Suite(.timeLimit(.minutes(3)))
struct SharedFillTests {
    static let names = [
        "Accept", "Accept-Charset", "Accept-Encoding", "Accept-Language", "Access-Control-Request",
        "Base-Url", "CF-Connecting-IP", "Client-IP", "Content-Type", "Destination", "DNT",
        "Fastly-Client-IP", "Forwarded", "From", "Front-End-Https", "Host-Override", "Http-Url",
        "If-Match", "If-Modified-Since", "If-Range", "If-Unmodified-Since", "Location", "Origin",
        "Prefer", "Proxy-Host", "Range", "Redirect", "Referer", "Request-Uri", "Save-Data",
        "Sec-Fetch-Site", "Surrogate-Capability", "True-Client-IP", "Upgrade-Insecure-Requests",
        "Uri", "Url", "User-Agent", "Via", "Warning", "X-Amz-Website-Redirect-Location",
        "X-Api-Version", "X-Client-IP", "X-Correlation-Id", "X-Custom-IP-Authorization",
        "X-Forwarded", "X-Forwarded-By", "X-Forwarded-For", "X-Forwarded-Host",
        "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-Proto", "X-Forwarded-Scheme",
        "X-Forwarded-Server", "X-Host", "X-HTTP-Host-Override", "X-HTTP-Method",
        "X-HTTP-Method-Override", "X-Method-Override", "X-Original-Host", "X-Original-URL",
        "X-Real-IP", "X-Remote-Addr", "X-Request-Id", "X-Requested-With", "X-Rewrite-URL",
        "X-Wap-Profile", "traceparent", "tracestate",
    ]

    /// Writes all it was asked into its answer.
    static func mirror() async throws -> OriginServer {
        try await OriginServer.start { request in
            var fields: HTTPHeaders = ["Content-Type": "text/plain"]
            for (index, field) in request.fields.enumerated() {
                fields.add(name: "X-Mirror-\(index)", value: "\(field.name)=\(field.value)")
            }
            return .init(fields: fields, body: "\(request.target) \(request.fields)")
        }
    }

    static func yaml(_ origin: OriginServer) -> String {
        """
        upstreams: {shop: {targets: ["http://127.0.0.1:\(origin.port)"]}}
        routes:
          - name: item
            path: /items/{id}
            upstream: shop
            cache: {ttl: 60s, vary_headers: [X-Tenant], vary_query: [page]}
        """
    }

    @Test func noFieldOutsideTheKeyComesBackToOthers() async throws {
        let origin = try await Self.mirror()
        try await GatewayUnderTest.with(Self.yaml(origin)) { port, _ in
            let evil = try await RawConnection(port: port)
            let good = try await RawConnection(port: port)
            for (index, name) in Self.names.enumerated() {
                _ = try await evil.get("/items/\(index)?utm=marker", ["\(name): marker"])
                let answer = try await good.get("/items/\(index)")

                #expect(answer.status == 200)
                #expect(!answer.body.contains("marker"), "\(name)")
                #expect(!answer.fields.values.contains { $0.contains("marker") }, "\(name)")
            }
        }
        await origin.stop()
    }

    @Test func theHostOfOneClientIsNotTheHostOfAnother() async throws {
        let origin = try await Self.mirror()
        try await GatewayUnderTest.with(Self.yaml(origin)) { port, _ in
            let evil = try await RawConnection(port: port)
            try await evil.send("GET http://marker/items/1 HTTP/1.1\r\nHost: marker\r\n\r\n")
            _ = try await evil.answer()

            let answer = try await RawConnection(port: port).get("/items/1")
            #expect(answer.fields["cache-status"]?.contains("hit") == true)
            #expect(!answer.body.contains("marker"))
        }
        await origin.stop()
    }

    @Test func whatTheKeyHoldsIsPassedOn() async throws {
        let origin = try await Self.mirror()
        try await GatewayUnderTest.with(Self.yaml(origin)) { port, _ in
            let client = try await RawConnection(port: port)
            let one = try await client.get("/items/1?page=2", ["X-Tenant: one"])
            let two = try await client.get("/items/1?page=2", ["X-Tenant: two"])
            let again = try await client.get("/items/1?page=2", ["X-Tenant: one"])

            #expect(one.body.contains("one"))
            #expect(two.body.contains("two"))
            #expect(again.body == one.body)
            #expect(origin.asked.map(\.target) == ["/items/1?page=2", "/items/1?page=2"])
        }
        await origin.stop()
    }

    @Test(arguments: [
        "/items/1/x.css", "/items/1;x.js", "/items/1%3bx.css", "/items/1%23", "/items/1%3fx",
        "/items/1%2fx", "/items//1", "/items/./1", "/items/x/..%2f1", "/items/1%00", "/items/1%0a",
        "/items/1\\x", "/items/%31", "/items/%2e%2e/items/1", "/items/1/",
    ])
    func anotherSpellingIsTheSameAnswerOrNone(_ target: String) async throws {
        let origin = try await OriginServer.start { request in .init(body: request.target) }
        try await GatewayUnderTest.with(Self.yaml(origin)) { port, _ in
            _ = try await RawConnection(port: port).get("/items/1")
            let answer = try await RawConnection(port: port).get(target)

            switch answer.status {
            case 400, 404: #expect(!answer.body.contains("/items/"))
            default:
                #expect(answer.status == 200)
                let isHit = answer.fields["cache-status"]?.contains("hit") == true
                #expect((answer.body == "/items/1") == isHit)
            }
        }
        await origin.stop()
    }
}
