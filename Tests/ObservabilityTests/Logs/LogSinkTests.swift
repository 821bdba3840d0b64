import Foundation
import Testing

@testable import Observability

@Suite(.timeLimit(.minutes(1)))
struct LogSinkTests {
    /// More than a pipe holds, so that writes are torn and readers and writers wait for each other.
    private static let lineCount = 400
    private static let lineLength = 3000

    @Test func linesOfManyThreadsStayWhole() async throws {
        let pipe = Pipe()
        let sink = LogSink(descriptor: pipe.fileHandleForWriting.fileDescriptor)
        let chunks = AsyncStream<Data> { continuation in
            pipe.fileHandleForReading.readabilityHandler = { handle in
                let chunk = handle.availableData
                if chunk.isEmpty { continuation.finish() } else { continuation.yield(chunk) }
            }
        }

        DispatchQueue.global().async {
            DispatchQueue.concurrentPerform(iterations: Self.lineCount) { index in
                let letter = UInt8(ascii: "a") + UInt8(index % 26)
                sink.write([UInt8](repeating: letter, count: Self.lineLength) + [0x0A])
            }
            try? pipe.fileHandleForWriting.close()
        }
        var received = Data()
        for await chunk in chunks { received.append(chunk) }

        let lines = received.split(separator: 0x0A)
        #expect(lines.count == Self.lineCount)
        #expect(lines.allSatisfy { $0.count == Self.lineLength && Set($0).count == 1 })
    }

    @Test func aReaderThatIsGoneCostsTheLineAlone() {
        let sink = LogSink(descriptor: -1)
        sink.write(Array("lost\n".utf8))
    }
}
