import Foundation
import Logging
import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(3)))
struct AcceptPauseTests {
    /// Counts what reaches the listening socket.
    private final class Reads: ChannelOutboundHandler {
        typealias OutboundIn = Never
        var count = 0

        func read(context: ChannelHandlerContext) { count += 1 }
    }

    private struct Recorder: LogHandler {
        let lines: Lines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.info

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) { lines.count.add(1, ordering: .relaxed) }
    }

    private final class Lines: Sendable {
        let count = Atomic(0)
    }

    /// Without a pause the event loop tries again as fast as it can.
    @Test func withoutDescriptorsAcceptingPausesAndSaysSoOnce() throws {
        let lines = Lines()
        let reads = Reads()
        let channel = EmbeddedChannel(handler: reads)
        let logger = Logger(label: "gateway") { _ in Recorder(lines: lines) }
        try AcceptPause.add(to: channel, logger: logger).wait()
        let before = reads.count

        for _ in 1...3 {
            channel.pipeline.fireErrorCaught(IOError(errnoCode: EMFILE, reason: "accept"))
            for _ in 1...10 { channel.read() }
            #expect(reads.count == before)
        }
        channel.embeddedEventLoop.advanceTime(to: .now() + AcceptPause.length)
        #expect(reads.count > before)
        #expect(lines.count.load(ordering: .relaxed) == 1)
        _ = try channel.finish(acceptAlreadyClosed: true)
    }
}
