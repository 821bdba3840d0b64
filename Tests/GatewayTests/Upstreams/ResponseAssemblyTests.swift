import NIOCore
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(1)))
struct ResponseAssemblyTests {
    /// What the bytes of one connection turned out to be.
    private struct Outcome: Equatable {
        var status: Int?
        var fields: [String] = []
        var body = ""
        var isReusable = false
        var failure: String?
    }

    private static func read(_ pieces: [ByteBuffer], ends: Bool) -> Outcome {
        var assembly = ResponseAssembly(
            target: UpstreamTarget(host: "a", port: 1), limits: .init(head: 1_000, body: 100))
        var whole: ResponseAssembly.Whole?
        do throws(UpstreamFailure) {
            for piece in pieces {
                // What follows an answer is the connection's affair.
                if whole != nil {
                    whole?.isReusable = false
                    break
                }
                whole = try assembly.take(piece)
            }
            if whole == nil, ends { whole = try assembly.inputEnded() }
        } catch {
            return Outcome(failure: error.detail)
        }
        guard let whole else { return Outcome() }
        return Outcome(
            status: whole.response.status,
            fields: whole.response.fields.map { "\($0.name)=\($0.value)" },
            body: String(buffer: whole.response.body), isReusable: whole.isReusable)
    }

    private static let length = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
    private static let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"

    private static let good: [(bytes: String, body: String, isReusable: Bool)] = [
        (length + "\r\nhello", "hello", true),
        ("\r\n" + length + "\r\nhello", "hello", true),
        (length + "Connection: x, Close\r\n\r\nhello", "hello", false),
        (length + "\r\nhelloHTTP/1.1", "hello", false),
        ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok", false),
        ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok", "ok", true),
        ("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "", true),
        ("HTTP/1.1 404 \r\nX:\t a b \r\nContent-Length: 0\r\n\r\n", "", true),
        ("HTTP/1.1 204 No Content\r\n\r\n", "", true),
        ("HTTP/1.1 304 Not Modified\r\nContent-Length: 50\r\n\r\n", "", true),
        (
            "HTTP/1.1 103 Early\r\nX: 1\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + length
                + "\r\nhello",
            "hello", true
        ),
        (
            chunked + "5;a=b\r\nhello\r\n00a\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n",
            "hello0123456789", true
        ),
        (chunked + "1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n", "abc", true),
        (chunked + "0\r\n\r\n", "", true),
        ("HTTP/1.1 200 OK\r\n\r\nto the end", "to the end", false),
    ]

    @Test(arguments: good)
    func everyWayOfCuttingTheBytesReadsTheSame(
        _ bytes: String, _ body: String, _ isReusable: Bool
    ) {
        let all = Array(bytes.utf8)
        let whole = Self.read([ByteBuffer(bytes: all)], ends: true)
        #expect(whole.failure == nil)
        #expect(whole.body == body)
        #expect(whole.isReusable == isReusable)
        #expect(!whole.fields.contains { $0.hasPrefix("X-Sum") })

        for cut in all.indices {
            let pieces = [ByteBuffer(bytes: all[..<cut]), ByteBuffer(bytes: all[cut...])]
            #expect(Self.read(pieces, ends: true) == whole, "cut at \(cut)")
        }
        #expect(Self.read(all.map { ByteBuffer(bytes: [$0]) }, ends: true).body == body)
    }

    @Test(arguments: good.filter { $0.isReusable })
    func connectionThatEndsTooEarlyGivesNoAnswer(_ bytes: String, _ body: String, _: Bool) {
        let all = Array(bytes.utf8)
        for cut in all.indices {
            let outcome = Self.read([ByteBuffer(bytes: all[..<cut])], ends: true)
            #expect(outcome.status == nil, "cut at \(cut)")
        }
    }

    @Test func manyChunksOfOneReadAreOnePiece() throws {
        var chunks = ChunkedBody(limits: RequestLimits())
        var bytes = ByteBuffer(string: String(repeating: "1\r\nx\r\n", count: 1_000) + "2\r\ny")

        let piece = try chunks.take(from: &bytes)

        #expect(piece == ByteBuffer(string: String(repeating: "x", count: 1_000) + "y"))
        #expect(bytes.readableBytes == 0)
        #expect(!chunks.isWhole)
    }

    @Test func oneChunkIsNotCopied() throws {
        var chunks = ChunkedBody(limits: RequestLimits())
        let text = String(repeating: "x", count: 1_000)
        var bytes = ByteBuffer(string: "3E8\r\n\(text)\r\n0\r\n\r\nrest")
        let storage = bytes.withVeryUnsafeBytes { $0.baseAddress }

        let piece = try #require(try chunks.take(from: &bytes))

        #expect(String(buffer: piece) == text)
        #expect(piece.withVeryUnsafeBytes { $0.baseAddress } == storage.map { $0 + 5 })
        #expect(chunks.isWhole)
        #expect(String(buffer: bytes) == "rest")
    }
}
