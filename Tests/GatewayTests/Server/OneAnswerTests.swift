import Gateway
import NIOCore
import Testing

/// One answer for one request, in order, whatever the sizes.
@Suite(.timeLimit(.minutes(3)))
struct OneAnswerTests {
    /// 1 byte to 8 MiB, each a third longer than the one before.
    private static let sizes = {
        var sizes = [1]
        while let last = sizes.last, last < 8 << 20 {
            sizes.append(min(8 << 20, max(last + 1, last * 13 / 10)))
        }
        return sizes
    }()

    /// A body that shows where it came from, at each place.
    private static func body(_ name: Substring, _ size: Int) -> String {
        let whole = String(repeating: "\(name):", count: size / (name.count + 1) + 1)
        return String(decoding: whole.utf8.prefix(size), as: UTF8.self)
    }

    private static func with(
        _ routes: String, _ body: (_ port: Int, _ origin: OriginServer) async throws -> Void
    ) async throws {
        let origin = try await OriginServer.start { request in
            let parts = request.target.split(separator: "/")
            guard let size = parts.last.flatMap({ Int($0) }), parts.count > 1 else {
                return .init(status: 404)
            }
            return .init(body: Self.body(parts[1], size))
        }
        let yaml = """
            server: {connections: 100}
            upstreams:
              shop: {targets: ["http://127.0.0.1:\(origin.port)"], max_body_size: 16MiB}
            routes:
            \(routes)
            """
        try await GatewayUnderTest.with(yaml) { port, _ in try await body(port, origin) }
        await origin.stop()
    }

    @Test(arguments: ["", ", cache: {ttl: 1h, max_body_size: 16MiB}"])
    func anAnswerOfAnySizeComesOnce(_ cache: String) async throws {
        try await Self.with(
            "  - {name: sized, path: \"/sized/{name}/{size}\", upstream: shop\(cache)}"
        ) { port, _ in
            let client = try await CountingConnection(port: port)
            for (index, size) in Self.sizes.enumerated() {
                // With a cache, the second is a hit.
                for _ in 1...2 {
                    try await client.send(
                        "GET /sized/n\(index)/\(size) HTTP/1.1\r\nHost: a\r\n"
                            + "X-Request-Id: r\(index)\r\n\r\n")
                    let answer = try await client.answer()

                    #expect(answer.status == 200)
                    #expect(answer.fields["x-request-id"] == "r\(index)")
                    let expected = ByteBuffer(string: Self.body("n\(index)", size))
                    #expect(answer.body == expected, "\(size) bytes")
                }
            }
            try await client.send("GET /none HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            #expect(try await client.answer().status == 404)
            #expect(await client.surplus() == 0)
        }
    }

    private struct Asked {
        var text: String
        var status: Int
        var body: ByteBuffer?
        var isHead = false
    }

    /// Hits of several sizes, and among them what has no body, is unchanged or is refused.
    private static func asked(_ index: Int) -> Asked {
        let size = index % 25 == 4 ? 70_000 : [90, 900, 3_000, 900, 8_000][index % 5]
        let path = "/sized/n\(index % 40)/\(size)"
        let end = " HTTP/1.1\r\nHost: a\r\nX-Request-Id: r\(index)\r\n"
        switch index % 17 {
        case 3: return Asked(text: "HEAD \(path)\(end)\r\n", status: 200, isHead: true)
        case 7: return Asked(text: "GET \(path)\(end)If-None-Match: *\r\n\r\n", status: 304)
        case 11: return Asked(text: "GET /nothing\(end)\r\n", status: 404)
        case 13: return Asked(text: "DELETE \(path)\(end)\r\n", status: 405)
        default:
            let body = ByteBuffer(string: body("n\(index % 40)", size))
            return Asked(text: "GET \(path)\(end)\r\n", status: 200, body: body)
        }
    }

    @Test func tenThousandPipelinedRequestsGetTheirAnswersInOrder() async throws {
        let route = """
              - {name: sized, path: "/sized/{name}/{size}", upstream: shop, cache: {ttl: 1h}}
            """
        try await Self.with(route) { port, origin in
            let all = (0..<10_000).map(Self.asked)
            let client = try await CountingConnection(port: port)
            for asked in all.prefix(1_000) {
                try await client.send(asked.text)
                _ = try await client.answer(isHead: asked.isHead)
            }
            let filled = origin.count

            async let sent: Void = client.send(
                all.map(\.text).joined()
                    + "GET /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            for (index, asked) in all.enumerated() {
                let answer = try await client.answer(isHead: asked.isHead)
                guard answer.status == asked.status, answer.fields["x-request-id"] == "r\(index)",
                    asked.body == nil || asked.body == answer.body
                else {
                    Issue.record("\(index): \(answer.status), \(answer.fields)")
                    break
                }
            }
            try await sent

            #expect(try await client.answer().status == 404)
            #expect(await client.surplus() == 0)
            #expect(origin.count == filled, "all of them were hits")
        }
    }
}
