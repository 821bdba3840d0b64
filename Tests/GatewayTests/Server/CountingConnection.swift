import NIOCore
import NIOPosix

/// A client that knows every byte it was sent, and can be as slow to read as a test wants.
final class CountingConnection: Sendable {
    struct Ended: Error {}

    let channel: any Channel
    private let incoming: Incoming

    private actor Incoming {
        private var iterator: AsyncStream<ByteBuffer>.Iterator
        private var reader = AnswerReader()

        init(_ stream: AsyncStream<ByteBuffer>) {
            iterator = stream.makeAsyncIterator()
        }

        var receivedBytes: Int { reader.receivedBytes }

        func answer(isHead: Bool) async throws -> AnswerReader.Answer {
            while true {
                if let answer = reader.next(isHead: isHead) { return answer }
                guard await more() else { throw Ended() }
            }
        }

        /// Counts what still comes behind the answers until the other side closes.
        func surplus() async -> Int {
            while await more() {}
            return reader.surplus
        }

        private func more() async -> Bool {
            var iterator = iterator
            let piece = await iterator.next(isolation: self)
            self.iterator = iterator
            guard let piece else { return false }
            reader.feed(piece)
            return true
        }
    }

    private final class Reader: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        let continuation: AsyncStream<ByteBuffer>.Continuation

        init(_ continuation: AsyncStream<ByteBuffer>.Continuation) {
            self.continuation = continuation
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            continuation.yield(unwrapInboundIn(data))
        }

        func channelInactive(context: ChannelHandlerContext) {
            continuation.finish()
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }

    init(port: Int) async throws {
        let (stream, continuation) = AsyncStream.makeStream(of: ByteBuffer.self)
        incoming = Incoming(stream)
        channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Reader(continuation))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
    }

    func send(_ text: String) async throws {
        try await channel.writeAndFlush(ByteBuffer(string: text))
    }

    func answer(isHead: Bool = false) async throws -> AnswerReader.Answer {
        try await incoming.answer(isHead: isHead)
    }

    func surplus() async -> Int { await incoming.surplus() }

    func close() async { try? await channel.close() }
}
