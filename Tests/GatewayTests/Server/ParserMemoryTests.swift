import Gateway
import NIOCore
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a connection holds is bounded by the limits, not by what was ever sent.
@Suite(.timeLimit(.minutes(10)))
struct ParserMemoryTests {
    private static let limits = RequestLimits()
    private static let bound =
        2 * (limits.requestLine + limits.fieldLine + limits.fieldList + limits.body)
    private static let isLong = ProcessInfo.processInfo.environment["TROUPE_LONG_TESTS"] == "1"

    /// The most that a parser held while it was fed the text over and over, in pieces that end
    /// somewhere else each time.
    private static func held(_ text: String, total: Int) throws -> (memory: Int, ends: Int) {
        let piece = 60_000 - 7
        let bytes = ByteBuffer(
            string: String(repeating: text, count: 2 + piece / text.utf8.count))
        var parser = RequestParser(limits: limits)
        var most = 0
        var ends = 0
        var sent = 0
        while sent < total {
            let start = sent % text.utf8.count
            parser.feed(ByteBuffer(buffer: bytes.getSlice(at: start, length: piece) ?? bytes))
            while let event = try parser.next() {
                if case .end = event { ends += 1 }
            }
            most = max(most, parser.heldBytes)
            sent += piece
        }
        return (most, ends)
    }

    private static let pipelined = [
        "GET /c/1 HTTP/1.1\r\nHost: a\r\nX-Long: \(String(repeating: "x", count: 7_000))\r\n\r\n",
        "POST /c HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\n"
            + String(repeating: "b", count: 9_000),
        "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            + String(repeating: "1F40\r\n\(String(repeating: "c", count: 8_000))\r\n", count: 9)
            + "0\r\n\r\n",
    ]

    @Test(arguments: pipelined)
    func misalignedRequestsLeaveNothingBehind(_ text: String) throws {
        let total = Self.isLong ? 1 << 30 : 8 << 20
        let (memory, ends) = try Self.held(text, total: total)

        #expect(memory < Self.bound)
        #expect(abs(ends - total / text.utf8.count) <= 20)
    }
}
