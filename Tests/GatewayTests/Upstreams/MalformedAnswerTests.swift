import Gateway
import Logging
import NIOCore
import Testing
import TroupeRedisTestKit

/// What no upstream should send ends at once, and the log tells why.
///
/// The origin keeps its connections open: what waited for more would wait for a minute.
@Suite(.timeLimit(.minutes(1)))
struct MalformedAnswerTests {
    /// Expects a bad gateway, that reason, and the end of the upstream's connection.
    private func expect(
        _ reason: String, of answer: String, at path: String = "/r/1", closes: Bool = true
    ) async throws {
        let origin = try await RawOrigin.start { _ in ByteBuffer(string: answer) }
        let yaml = """
            upstreams:
              shop:
                targets: ["http://127.0.0.1:\(origin.port)"]
                timeout: 100s
                max_body_size: 1MiB
                retry: {attempts: 1}
            routes:
              - {name: r, path: "/r/{id}", upstream: shop, timeout: 100s}
              - name: a
                path: /a/{id}
                timeout: 100s
                aggregate: {parts: {one: {upstream: shop, path: "/{id}", timeout: 100s}}}
            """
        let log = RecordedLog()
        try await GatewayUnderTest.with(yaml, logger: log.logger) { port, _ in
            let client = try await RawConnection(port: port)
            let answered = try await client.get(path)

            #expect(answered.status == 502)
            #expect(answered.fields["content-type"] == "application/problem+json")
            let reasons = log.lines.filter { $0.message == "upstream gave no valid answer" }
                .map { $0.fields["reason"]?.description }
            #expect(reasons == [reason])
            await until { !closes || origin.openConnections == 0 }
            await client.close()
        }
        await origin.stop()
    }

    @Test(arguments: [
        "ffffffffffffffff\r\n", "FFFFFFFFFFFFFFFFF\r\n", "123456789", "-1\r\n", "+1\r\n",
        "0x5\r\n", "zz\r\n", " 5\r\n", "\r\n", "5 \r\nhello\r\n", "5;\r\nhello\r\n", "5,5\r\n",
        "1\r\nx\r\n1\r\ny\r\nhello", "5;" + String(repeating: "a", count: 300),
    ])
    func chunkSizeThatIsNone(_ body: String) async throws {
        try await expect("a chunk's size that is none", of: Self.chunked + body)
    }

    @Test(arguments: ["5\r\nhello!", "5\r\nhello\n", "5\r\nhello\r\r", "1\r\nx1\r\ny\r\n"])
    func chunkLongerThanItsSize(_ body: String) async throws {
        try await expect("a chunk that is longer than its size", of: Self.chunked + body)
    }

    @Test(arguments: [
        chunked + "5\nhello\r\n", chunked + "0\r\nX: 1\n", "HTTP/1.1 200 OK\n",
        "HTTP/1.1 200 OK\r\nX: 1\n",
    ])
    func lineFeedAlone(_ answer: String) async throws {
        try await expect("a line that ends in LF without CR", of: answer)
    }

    @Test(arguments: ["0\r\nX Y: 1\r\n", "0\r\nnothing\r\n", "0\r\nX: 1\r\n folded\r\n"])
    func malformedTrailer(_ body: String) async throws {
        try await expect("a malformed trailer", of: Self.chunked + body)
    }

    @Test(arguments: [
        "0\r\nX: " + String(repeating: "x", count: 40_000),
        "0\r\n" + String(repeating: "X: 1\r\n", count: 200),
        "0\r\n" + String(repeating: "X: \(String(repeating: "x", count: 1_000))\r\n", count: 40),
    ])
    func trailersTooLarge(_ body: String) async throws {
        try await expect("trailers that are too large", of: Self.chunked + body)
    }

    @Test(arguments: [
        "garbage", "HTTP/2 200 OK\r\n", "HTTP/3.7 200", "HTTP/1.1 2000", "HTTP/1.1 20\r\n",
        "http/1.1",
        "HTTP/1.1 200OK\r\n", "HTTP/1.1  200 OK\r\n", "HTTP/1.1 200 O\u{1}K\r\n", "ICY 200 OK\r\n",
        "GET / HTTP/1.1\r\n", "\u{16}\u{3}\u{1}", "\r\n\r\n", "\r\r", "HTTP/1.1 abc\r\n",
    ])
    func lineThatIsNoStatusLine(_ answer: String) async throws {
        try await expect("no status line of HTTP", of: answer)
    }

    @Test(arguments: ["HTTP/1.1 099 Low\r\n", "HTTP/1.1 000\r\n", "HTTP/1.1 700 High\r\n"])
    func numberThatIsNoStatus(_ answer: String) async throws {
        try await expect("no status of HTTP", of: answer)
    }

    @Test(arguments: [
        (": 1", "a malformed field"), ("X Y: 1", "a malformed field"),
        ("X : 1", "a malformed field"), ("X", "a malformed field"),
        ("X: a\u{0}b", "a malformed field"), ("X: a\rb", "a malformed field"),
        ("X: 1\r\n more", "a field over two lines"), ("\tX: 1", "a field over two lines"),
        ("X: " + String(repeating: "x", count: 40_000), "a head that is too large"),
        (String(repeating: "X: 1\r\n", count: 128) + "X: 1", "too many fields"),
    ])
    func malformedHead(field: String, reason: String) async throws {
        try await expect(reason, of: "HTTP/1.1 200 OK\r\n\(field)\r\n")
    }

    @Test(arguments: [
        ("Content-Length: 5\r\nContent-Length: 5", "two lengths"),
        ("Content-Length: 5\r\nTransfer-Encoding: chunked", "two lengths"),
        ("Content-Length: -5", "a length that is not a number"),
        ("Content-Length: +5", "a length that is not a number"),
        ("Content-Length: 5, 5", "a length that is not a number"),
        ("Content-Length: 0x5", "a length that is not a number"),
        ("Content-Length:", "a length that is not a number"),
        ("Content-Length: 99999999999999999999", "a length that is not a number"),
        ("Transfer-Encoding: gzip", "an unknown transfer coding"),
        ("Transfer-Encoding: gzip, chunked", "an unknown transfer coding"),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "an unknown transfer coding"),
        ("Content-Length: 2000000", "a length over the limit"),
    ])
    func lengthsThatContradictOrAreNone(fields: String, reason: String) async throws {
        try await expect(reason, of: "HTTP/1.1 200 OK\r\n\(fields)\r\n\r\n")
    }

    @Test func codingThatItsVersionDoesNotKnow() async throws {
        try await expect(
            "an unknown transfer coding",
            of: "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
    }

    @Test(arguments: [
        chunked + "100001\r\n",
        chunked + "FFFFF\r\n" + String(repeating: "x", count: 0xFFFFF) + "\r\n2\r\n",
    ])
    func chunksOverTheLimit(_ answer: String) async throws {
        try await expect("chunks over the limit", of: answer)
    }

    @Test func bodyWithoutALengthOverTheLimit() async throws {
        let body = String(repeating: "x", count: 1 << 20 + 1)
        try await expect("a body over the limit", of: "HTTP/1.1 200 OK\r\n\r\n" + body)
    }

    @Test func answersBeforeTheAnswer() async throws {
        let hint = "HTTP/1.1 103 Early Hints\r\n\r\n"
        try await expect("too many interim answers", of: String(repeating: hint, count: 65))
        try await expect(
            "an upgrade that nobody asked for", of: "HTTP/1.1 101 Switching Protocols\r\n")
    }

    @Test(arguments: [
        ("/r/1", "206 Part", "status 206 that nobody asked for"),
        ("/r/1", "304 Same", "status 304 that nobody asked for"),
        ("/a/1", "206 Part", "status 206 that nobody asked for"),
        ("/a/1", "200 OK", "a part that is not JSON"),
    ])
    func wholeAnswerToSomethingElse(path: String, status: String, reason: String) async throws {
        let answer = "HTTP/1.1 \(status)\r\nContent-Length: 0\r\n\r\n"
        try await expect(reason, of: answer, at: path, closes: false)
    }

    private static let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
}
