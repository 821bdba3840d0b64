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
            for _ in 0..<LogSinkTests.linesEach { sink.write(line + [0x0A], .logfmt) }
            if running.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 {
                sink.flush(within: .seconds(30))
                try? pipe.fileHandleForWriting.close()
            }
        }
    }

    @Test func linesOfManyThreadsStayWhole() async {
        let pipe = Pipe()
        let sink = LogSink(
            LogWriter(
                descriptor: pipe.fileHandleForWriting.fileDescriptor, byteLimit: 2 * 1024 * 1024))

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
        sink.write(Array("lost\n".utf8), .logfmt)

        #expect(sink.flush(within: .seconds(30)))
        #expect(sink.droppedLines == 1)
    }

    @Test func aReaderThatStandsStillHoldsNobodyUp() throws {
        let pipe = Pipe()
        let writer = LogWriter(
            descriptor: pipe.fileHandleForWriting.fileDescriptor, byteLimit: 256 * 1024)
        let sink = LogSink(writer)
        let line = Array((String(repeating: "x", count: 999) + "\n").utf8)

        for _ in 0..<10_000 { sink.write(line, .json) }
        #expect(!sink.flush(within: .milliseconds(10)), "the pipe is full, and nobody reads it")
        let dropped = sink.droppedLines

        // What fits the pipe, the writer's hands and the backlog is there, the rest is counted.
        #expect((9_000..<10_000).contains(dropped))
        var received = Data()
        while received.count < 1000 * (10_000 - dropped) {
            received.append(pipe.fileHandleForReading.availableData)
        }
        #expect(sink.flush(within: .seconds(30)))
        try pipe.fileHandleForWriting.close()
        received.append(try pipe.fileHandleForReading.readToEnd() ?? Data())
        let lines = received.split(separator: 0x0A).map { String(decoding: $0, as: UTF8.self) }
        let told = lines.compactMap { $0.firstMatch(of: /"count":(\d+)}/).flatMap { Int($0.1) } }
        #expect(lines.count - told.count == 10_000 - dropped)
        #expect(told.reduce(0, +) == dropped)
        #expect(sink.droppedLines == dropped)
    }
}
