import Gateway
import NIOCore
import NIOHTTP1
import Testing

/// The edge on a real socket: a clean answer to whatever comes, and nothing behind it that means
/// something else than what the client sent.
@Suite(.timeLimit(.minutes(3)))
struct WireEdgeTests {
    private static func with(
        _ body: (_ port: Int, _ origin: OriginServer) async throws -> Void
    ) async throws {
        let origin = try await GatewayServerTests.echo()
        try await GatewayUnderTest.with(GatewayServerTests.yaml(origin)) { port, _ in
            try await body(port, origin)
        }
        await origin.stop()
    }

    /// What a smuggler wants to be read as a request of its own.
    private static let smuggled = "GET /orders/smuggled HTTP/1.1\r\nHost: a\r\n\r\n"

    @Test func whatTwoServersCouldReadDifferentlyReachesNobody() async throws {
        try await Self.with { port, origin in
            for text in RequestParserTests.ambiguous {
                let routed = text.replacing("POST / ", with: "POST /orders ")
                    .replacing("GET / ", with: "GET /orders ")
                let client = try await RawConnection(port: port)
                try await client.send(routed + Self.smuggled)
                let answer = try await client.answer()

                #expect(answer.status == 400, "\(routed.debugDescription)")
                #expect(answer.fields["connection"] == "close")
                #expect(await client.rest() == "", "\(routed.debugDescription)")
            }
            #expect(origin.asked.isEmpty)
        }
    }

    private static let refused: [(String, Int)] = [
        ("GET /orders/a%2Fb HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /orders/a%5Cb HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /orders/%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /orders/\u{0} HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /orders/1%0d%0aX:%201 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /../orders/1 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /%2e%2e/orders/1 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET http://b/orders/1 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET http://a@b/orders/1 HTTP/1.1\r\nHost: b\r\n\r\n", 400),
        ("GET /orders/1 HTTP/1.1\r\nHost: a\r\nX-Long: \(long)\r\n\r\n", 431),
        ("GET /orders/1 HTTP/1.1\r\nHost: a\r\n\(many)\r\n", 431),
        ("GET /orders/\(long) HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        ("GET /orders/1 HTTP/3.0\r\nHost: a\r\n\r\n", 505),
        ("TRACE /orders/1 HTTP/1.1\r\nHost: a\r\n\r\n", 501),
        ("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 501),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        ("\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\r\n\r\n", 400),
    ]
    private static let long = String(repeating: "x", count: 64 * 1024)
    private static let many = String(repeating: "X-Many: \(long.prefix(1000))\r\n", count: 64)

    @Test(arguments: refused)
    func itIsRefusedAndTheConnectionEnds(_ text: String, _ status: Int) async throws {
        try await Self.with { port, origin in
            let client = try await RawConnection(port: port)
            try await client.send(text + Self.smuggled)
            let answer = try await client.answer()

            #expect(answer.status == status)
            #expect(answer.fields["content-type"] == "application/problem+json")
            #expect(answer.fields["connection"] == "close")
            #expect(await client.rest() == "")
            #expect(origin.asked.isEmpty)
        }
    }

    /// Its answer has no body, even if what was asked is not a request.
    @Test(arguments: [
        "HEAD /orders/a%2Fb HTTP/1.1\r\nHost: a\r\n\r\n",
        "HEAD /orders/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
        "HEAD /orders/1 HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    ])
    func whoSendsHEADIsRefusedWithoutABody(_ text: String) async throws {
        try await Self.with { port, origin in
            let client = try await RawConnection(port: port)
            try await client.send(text)
            let answer = try await client.answer(isHead: true)

            #expect(answer.status == 400)
            #expect(Int(answer.fields["content-length"] ?? "") ?? 0 > 0)
            #expect(await client.rest() == "")
            #expect(origin.asked.isEmpty)
        }
    }

    /// What is sent, and what the upstream is asked for it.
    private static let accepted: [(String, String, String)] = [
        ("GET http://a/orders/1 HTTP/1.1\r\nHost: A\r\n\r\n", "/v1/orders/1", ""),
        ("GET /x/../orders/1 HTTP/1.1\r\nHost: a\r\n\r\n", "/v1/orders/1", ""),
        ("GET /orders/2/%2e%2e/1 HTTP/1.1\r\nHost: a\r\n\r\n", "/v1/orders/1", ""),
        ("GET //orders/./1 HTTP/1.1\r\nHost: a\r\n\r\n", "/v1/orders/1", ""),
        ("GET /orders/a%20b HTTP/1.1\r\nHost: a\r\n\r\n", "/v1/orders/a%20b", ""),
        ("GET /orders/%252f HTTP/1.1\r\nHost: a\r\n\r\n", "/v1/orders/%252f", ""),
        ("\r\nGET /orders/1 HTTP/1.0\r\n\r\n", "/v1/orders/1", ""),
        (
            "POST /orders HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "2;x=\"y\"\r\nhe\r\n3\r\nllo\r\n0\r\nContent-Length: 99\r\n\r\n",
            "/orders", "hello"
        ),
        (
            "POST /orders HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n\r\n"
                + "hello", "/orders", "hello"
        ),
    ]

    @Test(arguments: accepted)
    func aRequestThatComesByteByByteIsTheSame(
        _ text: String, _ target: String, _ body: String
    ) async throws {
        try await Self.with { port, origin in
            let client = try await RawConnection(port: port)
            for byte in text.unicodeScalars { try await client.send(String(byte)) }
            let answer = try await client.answer()

            #expect(answer.status == 200)
            #expect(answer.body == #"{"target":"\#(target)","body":"\#(body)"}"#)
            #expect(origin.count == 1)
            let fields = try #require(origin.asked.first).fields
            #expect(fields["transfer-encoding"].isEmpty)
            #expect(fields["content-length"] == (body.isEmpty ? [] : ["\(body.utf8.count)"]))
        }
    }

    @Test func fieldsThatSomeUpstreamsTakeForOthersAreDropped() async throws {
        try await Self.with { port, origin in
            let client = try await RawConnection(port: port)
            let answer = try await client.request(
                "POST", "/orders",
                [
                    "Content_Length: 0", "X_Forwarded_For: 6.6.6.6", "Transfer_Encoding: chunked",
                    "My_Field: kept",
                ], body: "hello")

            #expect(answer.status == 200)
            let asked = try #require(origin.asked.first)
            #expect(asked.body == "hello")
            #expect(asked.fields["my_field"] == ["kept"])
            for name in ["content_length", "x_forwarded_for", "transfer_encoding"] {
                #expect(!asked.fields.contains(name: name), "\(name)")
            }
        }
    }

    @Test func aRequestBehindOneThatClosesIsNotRead() async throws {
        try await Self.with { port, origin in
            let client = try await RawConnection(port: port)
            try await client.send(
                "GET /orders/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" + Self.smuggled)

            #expect(try await client.answer().status == 200)
            #expect(await client.rest() == "")
            #expect(origin.count == 1)
        }
    }

    /// Bytes that were once a request and have been damaged: whatever the gateway makes of them,
    /// it answers or closes, goes on serving others, and its upstream is asked for nothing but
    /// what the parser itself reads in them.
    @Test(arguments: 1...8)
    func damagedRequestsAreAnsweredOrClosed(_ seed: Int) async throws {
        try await Self.with { port, origin in
            var random = SplitMix(state: UInt64(seed))
            for _ in 0..<40 {
                let text = random.damaged()
                let before = origin.count
                let client = try await RawConnection(port: port)
                try await client.send(text)
                try await client.endSending()
                let answers = await client.rest()
                let asked = origin.asked[before...].map(\.target)

                let shown = String(decoding: text, as: UTF8.self).debugDescription
                #expect(answers.isEmpty || answers.hasPrefix("HTTP/1.1 "), "\(shown)")
                for status in [500, 502, 503, 504] {
                    #expect(!answers.contains("HTTP/1.1 \(status)"), "\(shown)")
                }
                let paths = Self.paths(in: text)
                #expect(asked.count <= paths.count, "\(shown)")
                #expect(asked.allSatisfy { paths.contains(Self.path($0)) }, "\(shown)")
            }
            let client = try await RawConnection(port: port)
            #expect(try await client.get("/orders/last").status == 200)
        }
    }

    /// The paths that the parser reads in some bytes, as the upstream knows them.
    private static func paths(in bytes: [UInt8]) -> [String] {
        RequestParserTests.read([ByteBuffer(bytes: bytes)]).lines.compactMap { line in
            let words = line.split(separator: " ", maxSplits: 1).map(String.init)
            guard words.count == 2, RequestMethod(rawValue: words[0]) != nil else { return nil }
            let path = path(words[1])
            return path.hasPrefix("/orders/") ? "/v1" + path : path
        }
    }

    private static func path(_ target: String) -> String {
        String(target.prefix { $0 != "?" })
    }
}

/// A generator whose seed tells all: the same one damages the same bytes.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// One to three requests with some bytes changed, taken away, doubled or moved.
    mutating func damaged() -> [UInt8] {
        let whole = [
            "GET /orders/1?x=1 HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n",
            "POST /orders HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
            "POST /orders HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "5\r\nhello\r\n0\r\n\r\n",
        ]
        var bytes = (0..<Int.random(in: 1...3, using: &self)).flatMap { _ in
            Array((whole.randomElement(using: &self) ?? "").utf8)
        }
        let special = Array("\r\n\t :;,%/.?#0\u{0}\u{7F}\\\"".utf8)
        for _ in 0..<Int.random(in: 1...4, using: &self) {
            let place = Int.random(in: bytes.indices, using: &self)
            switch Int.random(in: 0..<4, using: &self) {
            case 0: bytes[place] = special.randomElement(using: &self) ?? 0
            case 1: bytes.remove(at: place)
            case 2: bytes.insert(bytes[place], at: place)
            default: bytes[place] = UInt8.random(in: .min ... .max, using: &self)
            }
        }
        return bytes
    }
}
