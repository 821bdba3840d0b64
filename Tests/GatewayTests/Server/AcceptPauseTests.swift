import Foundation
import NIOCore
import NIOEmbedded
import Testing
import TroupeRedisTestKit

@testable import Gateway

@Suite(.timeLimit(.minutes(3)))
struct AcceptPauseTests {
    /// Counts what reaches the listening socket.
    private final class Reads: ChannelOutboundHandler {
        typealias OutboundIn = Never
        var count = 0

        func read(context: ChannelHandlerContext) { count += 1 }
    }

    /// Without a pause the event loop tries again as fast as it can.
    @Test func withoutDescriptorsAcceptingPausesAndSaysSoOnce() throws {
        let log = RecordedLog()
        let reads = Reads()
        let channel = EmbeddedChannel(handler: reads)
        try AcceptPause.add(to: channel, logger: log.logger).wait()
        let before = reads.count

        for _ in 1...3 {
            channel.pipeline.fireErrorCaught(IOError(errnoCode: EMFILE, reason: "accept"))
            for _ in 1...10 { channel.read() }
            #expect(reads.count == before)
        }
        channel.embeddedEventLoop.advanceTime(to: .now() + AcceptPause.length)
        #expect(reads.count > before)
        #expect(log.lines.count == 1)
        _ = try channel.finish(acceptAlreadyClosed: true)
    }
}
