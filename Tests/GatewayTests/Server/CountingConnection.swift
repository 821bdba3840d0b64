import NIOCore
import NIOPosix
import Testing

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

        /// Interim answers so far.
        private(set) var interim = 0

        var receivedBytes: Int { reader.receivedBytes }

        func answer(isHead: Bool, skipsInterim: Bool) async throws -> AnswerReader.Answer {
            while true {
                if let answer = reader.next(isHead: isHead) {
                    if answer.status >= 200 || !skipsInterim { return answer }
                    interim += 1
                    continue
                }
                guard await more() else { throw Ended() }
            }
        }

        /// What still comes behind the answers until the other side closes.
        func rest() async -> ByteBuffer {
            while await more() {}
            return reader.rest
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

    /// - Parameters:
    ///   - pace: time from one read to the next; `nil` reads at once, what is longer than a test
    ///     never reads.
    ///   - portion: bytes of one such read at most.
    ///   - buffer: what its system takes before, roughly.
    init(
        port: Int, pace: TimeAmount? = nil, portion: Int = 64 * 1024, buffer: Int = 32 * 1024
    ) async throws {
        let (stream, continuation) = AsyncStream.makeStream(of: ByteBuffer.self)
        incoming = Incoming(stream)
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        let paced = { (bootstrap: ClientBootstrap) in
            bootstrap.channelOption(.autoRead, value: false)
                .channelOption(.maxMessagesPerRead, value: 1)
                .channelOption(.socketOption(.so_rcvbuf), value: buffer)
                .channelOption(
                    .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: portion))
        }
        channel = try await (pace == nil ? bootstrap : paced(bootstrap))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Reader(continuation))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        guard let pace else { return }
        let channel = channel
        channel.eventLoop.scheduleRepeatedTask(initialDelay: pace, delay: pace) { task in
            if channel.isActive { channel.read() } else { task.cancel() }
        }
    }

    func send(_ text: String) async throws {
        try await channel.writeAndFlush(ByteBuffer(string: text))
    }

    func send(_ bytes: ByteBuffer) async throws {
        try await channel.writeAndFlush(bytes)
    }

    /// - Parameter skipsInterim: counts interim answers and waits for the one behind them.
    func answer(
        isHead: Bool = false, skipsInterim: Bool = true
    ) async throws -> AnswerReader.Answer {
        try await incoming.answer(isHead: isHead, skipsInterim: skipsInterim)
    }

    /// What still comes behind the answers until the other side closes.
    func rest() async -> ByteBuffer { await incoming.rest() }

    func surplus() async -> Int { await rest().readableBytes }

    var receivedBytes: Int { get async { await incoming.receivedBytes } }
    var interimAnswers: Int { get async { await incoming.interim } }

    /// Nothing more will be sent; answers are still awaited.
    func endSending() async throws { try await channel.close(mode: .output).get() }

    func close() async { try? await channel.close() }
}

/// Waits for something that other tasks bring about; records an issue if they do not, and goes on.
func until(
    sourceLocation: SourceLocation = #_sourceLocation, _ condition: () async -> Bool
) async {
    let end = ContinuousClock.now + .seconds(60)
    while !(await condition()), !Task.isCancelled {
        guard ContinuousClock.now < end else {
            Issue.record("not within a minute", sourceLocation: sourceLocation)
            return
        }
        try? await Task.sleep(for: .milliseconds(5))
    }
}
