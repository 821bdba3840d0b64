import Gateway
import NIOCore
import Testing

@Suite(.timeLimit(.minutes(3)))
struct RequestParserTests {
    /// What a stream of bytes turned out to be, flat, so that two ways of cutting it compare.
    struct Transcript: Equatable {
        var lines: [String] = []
        var body = ""
        var fault: Int?
    }

    static func read(_ pieces: [ByteBuffer]) -> Transcript {
        var parser = RequestParser()
        var transcript = Transcript()
        do {
            for piece in pieces {
                parser.feed(piece)
                while let event = try parser.next() {
                    switch event {
                    case .head(let head):
                        transcript.lines.append("\(head.method.rawValue) \(head.target.text)")
                        transcript.lines += head.allFields.map { "\($0.name)=\($0.value)" }
                    case .body(let bytes): transcript.body += String(buffer: bytes)
                    case .end: transcript.lines.append("end")
                    }
                }
            }
        } catch {
            transcript.fault = error.status
        }
        return transcript
    }

    static func read(_ text: String) -> Transcript {
        read([ByteBuffer(string: text)])
    }

    static let good = [
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "\r\nGET /orders/1?x=%2f HTTP/1.1\r\nhost:a:80\r\nAccept:\t*/* \r\nX-Empty:\r\n\r\n",
        "POST /orders HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhelloGET /b HTTP/1.1\r\n"
            + "Host: a\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "5;a=b ; c;d = \"x\\\"; y\"\r\nhello\r\n"
            + "00A\r\n0123456789\r\n0\r\nX-Trailer: t\r\n\r\n"
            + "HEAD /next HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET http://shop.example/orders/1 HTTP/1.1\r\nHost: Shop.example\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\nGET /x HTTP/1.0\r\n\r\n",
    ]

    @Test(arguments: good)
    func everyWayOfCuttingTheBytesReadsTheSame(_ text: String) {
        let whole = Self.read(text)
        #expect(whole.fault == nil)
        #expect(whole.lines.last == "end")

        let bytes = Array(text.utf8)
        for cut in bytes.indices {
            let pieces = [ByteBuffer(bytes: bytes[..<cut]), ByteBuffer(bytes: bytes[cut...])]
            #expect(Self.read(pieces) == whole, "cut at \(cut)")
        }
        #expect(Self.read(bytes.map { ByteBuffer(bytes: [$0]) }) == whole)
    }

    @Test func chunksOfOneReadAreOnePiece() throws {
        var parser = RequestParser()
        let chunks = String(repeating: "1\r\nx\r\n", count: 1_000)
        parser.feed(
            ByteBuffer(string: Self.post + "Transfer-Encoding: chunked\r\n\r\n\(chunks)0\r\n\r\n"))
        var pieces: [Int] = []
        while let event = try parser.next() {
            if case .body(let piece) = event { pieces.append(piece.readableBytes) }
        }
        #expect(pieces == [1_000])
    }

    static let post = "POST / HTTP/1.1\r\nHost: a\r\n"

    /// Everything that two servers have been seen to read differently.
    static let ambiguous: [String] = [
        "GET / HTTP/1.1\nHost: a\n\n",
        "GET / HTTP/1.1\r\nHost: a\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: 1\rY: 2\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /  HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n",
        " GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
        "GET / http/1.1\r\nHost: a\r\n\r\n",
        "GET /\r\nHost: a\r\n\r\n",
        "G\u{0}ET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost:\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n X: folded\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\tX: folded\r\n\r\n",
        "GET / HTTP/1.1\r\n X: 1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: a\u{0}b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX\u{b}Y: b\r\n\r\n",
        "GET http://other/ HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET https://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET * HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
        post + "Content-Length: +5\r\n\r\nhello",
        post + "Content-Length: -5\r\n\r\nhello",
        post + "Content-Length: 0x5\r\n\r\nhello",
        post + "Content-Length: 5, 5\r\n\r\nhello",
        post + "Content-Length: 5 5\r\n\r\nhello",
        post + "Content-Length:\r\n\r\nhello",
        post + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
        post + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        post + "Content-Length: 99999999999999999999\r\n\r\n",
        post + "Content-Length: ５\r\n\r\nhello",
        post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        post + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        post + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        post + "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n",
        post + "Transfer-Encoding: \u{b}chunked\r\n\r\n0\r\n\r\n",
        post + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
        post + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        post + "Transfer-Encoding: identity\r\n\r\n",
        "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        post + "Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n",
        post + "Transfer-Encoding: chunked\r\n\r\n5\r\nhelloX0\r\n\r\n",
        post + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\n0\r\n\r\n",
        post + "Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
        post + "Transfer-Encoding: chunked\r\n\r\n+5\r\nhello\r\n0\r\n\r\n",
        post + "Transfer-Encoding: chunked\r\n\r\n 5\r\nhello\r\n0\r\n\r\n",
        post + "Transfer-Encoding: chunked\r\n\r\n5 \r\nhello\r\n0\r\n\r\n",
        post + "Transfer-Encoding: chunked\r\n\r\n\r\nhello\r\n0\r\n\r\n",
        post + "Transfer-Encoding: chunked\r\n\r\n5;a\nb\r\nhello\r\n0\r\n\r\n",
        post + "Transfer-Encoding: chunked\r\n\r\n5;\u{0}\r\nhello\r\n0\r\n\r\n",
        post + "Transfer-Encoding: chunked\r\n\r\n5;\r\nhello\r\n0\r\n\r\n",
        post + "Transfer-Encoding: chunked\r\n\r\n5;bad[=x\r\nhello\r\n0\r\n\r\n",
        post + "Transfer-Encoding: chunked\r\n\r\n5;a=\r\nhello\r\n0\r\n\r\n",
        post + "Transfer-Encoding: chunked\r\n\r\n5;a=\"x\r\nhello\r\n0\r\n\r\n",
        post + "Transfer-Encoding: chunked\r\n\r\n5;a=\"x\\\"\r\nhello\r\n0\r\n\r\n",
        post + "Transfer-Encoding: chunked\r\n\r\n5;a=\"x\"y\r\nhello\r\n0\r\n\r\n",
        post + "Transfer-Encoding: chunked\r\n\r\n5;a \r\nhello\r\n0\r\n\r\n",
        post + "Transfer-Encoding: chunked\r\n\r\n000000005\r\nhello\r\n0\r\n\r\n",
        post + "Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF5\r\nhello\r\n0\r\n\r\n",
        post + "Transfer-Encoding: chunked\r\n\r\n0\r\nX : 1\r\n\r\n",
        post + "Transfer-Encoding: chunked\r\n\r\n0\r\n\n",
    ]

    @Test(arguments: ambiguous)
    func ambiguousBytesAreRefusedWithoutAnEnd(_ text: String) {
        let transcript = Self.read(text)
        #expect(transcript.fault == 400)
        #expect(!transcript.lines.contains("end"))

        let single = Self.read(text.utf8.map { ByteBuffer(bytes: [$0]) })
        #expect(single.fault == 400)
    }

    @Test(arguments: [
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        ("GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505),
        ("BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501),
        ("get / HTTP/1.1\r\nHost: a\r\n\r\n", 501),
        ("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 501),
        (post + "Expect: a-miracle\r\n\r\n", 417),
        (post + "Content-Length: 1048577\r\n\r\n", 413),
        (post + "Transfer-Encoding: chunked\r\n\r\n100001\r\n", 413),
        ("GET /\(String(repeating: "a", count: 8200)) HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        ("GET /\(String(repeating: "a", count: 9000))", 414),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "a", count: 8200))\r\n\r\n", 431),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "a", count: 9000))", 431),
        ("GET / HTTP/1.1\r\n" + String(repeating: "X: y\r\n", count: 101), 431),
        (
            "GET / HTTP/1.1\r\n"
                + String(repeating: "X: \(String(repeating: "y", count: 7000))\r\n", count: 5), 431
        ),
    ])
    func limitsHaveTheirOwnStatus(_ text: String, _ status: Int) {
        #expect(Self.read(text).fault == status)
        #expect(Self.read(text.utf8.map { ByteBuffer(bytes: [$0]) }).fault == status)
    }

    @Test func nothingComesAfterAFault() throws {
        var parser = RequestParser()
        parser.feed(ByteBuffer(string: "BAD\r\n\r\n"))
        #expect(throws: RequestFault.self) { try parser.next() }

        parser.feed(ByteBuffer(string: "GET / HTTP/1.1\r\nHost: a\r\n\r\n"))

        #expect(throws: RequestFault.self) { try parser.next() }
    }

    @Test(arguments: [
        ("HTTP/1.1", "", true), ("HTTP/1.1", "Connection: close\r\n", false),
        ("HTTP/1.1", "Connection: x, Close\r\n", false), ("HTTP/1.0", "", false),
        ("HTTP/1.0", "Connection: Keep-Alive\r\n", true),
        ("HTTP/1.0", "Connection: keep-alive, close\r\n", false),
    ])
    func versionAndConnectionDecideWhetherItIsKept(
        _ version: String, _ field: String, _ expected: Bool
    ) throws {
        var parser = RequestParser()
        parser.feed(ByteBuffer(string: "GET / \(version)\r\nHost: a\r\n\(field)\r\n"))
        guard case .head(let head) = try parser.next() else {
            Issue.record("no head")
            return
        }
        #expect(head.keepsAlive == expected)
    }
}
