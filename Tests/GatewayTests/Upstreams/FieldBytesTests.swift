import Gateway
import NIOCore
import Testing

/// Field values are bytes and pass unchanged, both ways.
@Suite(.timeLimit(.minutes(1)))
struct FieldBytesTests {
    private static let values: [[UInt8]] = [
        [0xE9], [0xE8], Array("é".utf8), [0xFF, 0x20, 0x80], [0xEF, 0xBF, 0xBD],
        Array("plain".utf8),
        [0xC3], [0x41, 0xC3, 0x28, 0x42], Array("日本".utf8),
    ]

    private static func field(_ name: String, _ value: [UInt8]) -> ByteBuffer {
        var bytes = ByteBuffer(string: "\(name): ")
        bytes.writeBytes(value)
        bytes.writeString("\r\n")
        return bytes
    }

    private static func isIn(_ needle: ByteBuffer, _ bytes: ByteBuffer) -> Bool {
        let all = Array(bytes.readableBytesView)
        let wanted = Array(needle.readableBytesView)
        return all.indices.contains { all[$0...].starts(with: wanted) }
    }

    private static func with(
        _ answer: ByteBuffer, _ body: (CountingConnection, RawOrigin) async throws -> Void
    ) async throws {
        let origin = try await RawOrigin.start { _ in answer }
        let yaml = """
            upstreams: {shop: {targets: ["http://127.0.0.1:\(origin.port)"]}}
            routes:
              - {name: sent, path: "/sent/{id}", upstream: shop}
              - name: kept
                path: "/kept/{id}"
                upstream: shop
                cache: {ttl: 60s, vary_headers: [x-name]}
            """
        try await GatewayUnderTest.with(yaml) { port, _ in
            let client = try await CountingConnection(port: port)
            try await body(client, origin)
            await client.close()
        }
        await origin.stop()
    }

    private static func ask(
        _ client: CountingConnection, _ path: String, _ value: [UInt8]
    ) async throws -> AnswerReader.Answer {
        var request = ByteBuffer(string: "GET \(path) HTTP/1.1\r\nHost: a\r\n")
        request.writeImmutableBuffer(field("X-Name", value))
        request.writeString("\r\n")
        try await client.send(request)
        return try await client.answer()
    }

    @Test func whatAClientSendsReachesTheUpstreamAsItIs() async throws {
        let plain = ByteBuffer(string: "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1")
        try await Self.with(plain) { client, origin in
            for value in Self.values {
                #expect(try await Self.ask(client, "/sent/1", value).status == 200)
                let asked = try #require(origin.received.last)
                #expect(Self.isIn(Self.field("X-Name", value), asked), "\(value)")
            }
        }
    }

    @Test func differentBytesAreDifferentKeys() async throws {
        let plain = ByteBuffer(string: "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1")
        try await Self.with(plain) { client, origin in
            for round in 1...2 {
                for value in Self.values {
                    let answer = try await Self.ask(client, "/kept/1", value)
                    let status = try #require(answer.fields["cache-status"])
                    #expect(status.contains("hit") == (round == 2), "\(value)")
                }
            }
            #expect(origin.received.count == Self.values.count)
            for (value, asked) in zip(Self.values, origin.received) {
                #expect(Self.isIn(Self.field("x-name", value), asked), "\(value)")
            }
        }
    }

    @Test(arguments: ["", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"])
    func whatAnUpstreamAnswersReachesTheClientAsItIs(_ before: String) async throws {
        var answer = ByteBuffer(string: before + "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n")
        for (index, value) in Self.values.enumerated() {
            answer.writeImmutableBuffer(Self.field("X-Back-\(index)", value))
        }
        answer.writeString("\r\n1")
        try await Self.with(answer) { client, _ in
            for path in ["/sent/1", "/kept/1", "/kept/1"] {
                let head = try await Self.ask(client, path, [0x41]).head
                for (index, value) in Self.values.enumerated() {
                    #expect(Self.isIn(Self.field("X-Back-\(index)", value), head), "\(value)")
                }
            }
        }
    }
}
