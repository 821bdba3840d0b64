import Foundation
import Synchronization
import Testing

@testable import Observability

@Suite(.timeLimit(.minutes(1)))
struct LogSinkTests {
    private static let writers = 8
    private static let linesEach = 50
    /// All lines together are more than a pipe holds, so that writes block and are torn.
    private static let lineLength = 3000

    /// What the writers share; the last one closes the pipe.
    private final class Work: Sendable {
        let sink: LogSink
        let pipe: Pipe
        let running = Atomic<Int>(LogSinkTests.writers)

        init(sink: LogSink, pipe: Pipe) {
            self.sink = sink
            self.pipe = pipe
        }

        func write(as writer: Int) {
            let line = [UInt8](
                repeating: UInt8(ascii: "a") + UInt8(writer), count: LogSinkTests.lineLength)
            for _ in 0..<LogSinkTests.linesEach { sink.write(line + [0x0A]) }
            if running.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 {
                try? pipe.fileHandleForWriting.close()
            }
        }
    }

    @Test func linesOfManyThreadsStayWhole() async {
        let pipe = Pipe()
        let sink = LogSink(descriptor: pipe.fileHandleForWriting.fileDescriptor)

        // Threads of their own: blocked ones must not take the pool that the reader needs.
        let chunks = AsyncStream<Data> { continuation in
            Thread.detachNewThread {
                while true {
                    let chunk = pipe.fileHandleForReading.availableData
                    if chunk.isEmpty { break }
                    continuation.yield(chunk)
                }
                continuation.finish()
            }
        }
        let work = Work(sink: sink, pipe: pipe)
        for writer in 0..<Self.writers {
            Thread.detachNewThread { work.write(as: writer) }
        }
        var received = Data()
        for await chunk in chunks { received.append(chunk) }

        let lines = received.split(separator: 0x0A)
        #expect(lines.count == Self.writers * Self.linesEach)
        #expect(lines.allSatisfy { $0.count == Self.lineLength && Set($0).count == 1 })
    }

    @Test func aReaderThatIsGoneCostsTheLineAlone() {
        let sink = LogSink(descriptor: -1)
        sink.write(Array("lost\n".utf8))
    }
}
