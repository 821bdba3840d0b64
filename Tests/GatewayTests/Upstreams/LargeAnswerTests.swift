import Gateway
import NIOCore
import NIOPosix
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Bodies cost time by their length, whatever their pieces.
@Suite(.timeLimit(.minutes(3)))
struct LargeAnswerTests {
    private static let isLong = ProcessInfo.processInfo.environment["TROUPE_LONG_TESTS"] == "1"

    private static func get(
        _ answer: ByteBuffer, limit: String
    ) async throws -> (Duration, AnswerReader.Answer) {
        let origin = try await RawOrigin.start { _ in answer }
        let yaml = """
            upstreams:
              shop:
                targets: ["http://127.0.0.1:\(origin.port)"]
                max_body_size: \(limit)
                timeout: 100s
                retry: {attempts: 1}
            routes: [{name: get, path: /get, upstream: shop, timeout: 100s}]
            """
        var result: (Duration, AnswerReader.Answer)?
        try await GatewayUnderTest.with(yaml) { port, _ in
            let client = try await CountingConnection(port: port)
            let clock = ContinuousClock()
            let began = clock.now
            try await client.send("GET /get HTTP/1.1\r\nHost: a\r\n\r\n")
            let answer = try await client.answer()
            result = (clock.now - began, answer)
            await client.close()
        }
        await origin.stop()
        return try #require(result)
    }

    /// An answer in chunks of one byte.
    private static func chunked(_ count: Int) -> ByteBuffer {
        var bytes = ByteBuffer(string: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        bytes.reserveCapacity(minimumWritableBytes: count * 6 + 5)
        let block = ByteBuffer(string: String(repeating: "1\r\nx\r\n", count: 1_024))
        for _ in 0..<(count / 1_024) { bytes.writeImmutableBuffer(block) }
        bytes.writeString("0\r\n\r\n")
        return bytes
    }

    /// Copying what has come for each byte would be 8 TiB.
    @Test(.enabled(if: isLong)) func fourMegabytesInSingleBytesAreGathered() async throws {
        let (_, answer) = try await Self.get(Self.chunked(4 << 20), limit: "4MiB")

        #expect(answer.status == 200)
        #expect(answer.body == ByteBuffer(repeating: UInt8(ascii: "x"), count: 4 << 20))
    }

    @Test func megabytesByLengthCostNoMoreThanTheirShare() async throws {
        func answer(_ count: Int) -> ByteBuffer {
            var bytes = ByteBuffer(
                string: "HTTP/1.1 200 OK\r\nContent-Length: \(count)\r\n\r\n")
            bytes.writeRepeatingByte(UInt8(ascii: "y"), count: count)
            return bytes
        }
        let size = (Self.isLong ? 64 : 32) << 20
        var isCheap = false
        // A machine that stands still says nothing of the one time or the other.
        for _ in 0..<3 where !isCheap {
            let (small, first) = try await Self.get(answer(size / 8), limit: "8MiB")
            let (large, second) = try await Self.get(answer(size), limit: "64MiB")
            #expect(first.body.readableBytes == size / 8)
            #expect(second.body.readableBytes == size)
            // Eight times the bytes; by copying them for each piece it was sixty times the time.
            isCheap = large < small * 24 + .seconds(1)
        }
        #expect(isCheap)
    }
}
