import NIOCore
import NIOPosix
import Synchronization

/// An address that stays while the server behind it changes, as managed services have one.
///
/// New connections lead to where it points then; those that are open stay where they are.
public final class TCPForwarder: Sendable {
    private let channel: any Channel
    private let target: Target
    /// Where it listens, on 127.0.0.1.
    public let port: Int

    /// Changes what clients send; what comes out has to be as long as what went in.
    public typealias Alteration = @Sendable (String) -> String

    private final class Target: Sendable {
        let port: Mutex<Int>
        let alteration = Mutex<Alteration?>(nil)

        init(_ port: Int) {
            self.port = Mutex(port)
        }
    }

    /// Forwards to a port of this machine.
    public init(to port: Int) async throws {
        let target = Target(port)
        self.target = target
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.autoRead, value: false)
            // What was sent in one piece comes in one piece, as far as that can be.
            .childChannelOption(
                .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 1 << 18)
            )
            .childChannelInitializer { client in
                ClientBootstrap(group: client.eventLoop)
                    .channelInitializer { server in
                        server.eventLoop.makeCompletedFuture {
                            try server.pipeline.syncOperations.addHandler(Passage(to: client))
                        }
                    }
                    .connect(host: "127.0.0.1", port: target.port.withLock { $0 })
                    .flatMap { server in
                        client.eventLoop.makeCompletedFuture {
                            try client.pipeline.syncOperations.addHandler(
                                Passage(to: server) { target.alteration.withLock { $0 } })
                        }
                    }
                    .flatMap { client.setOption(.autoRead, value: true) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        self.port = channel.localAddress?.port ?? 0
    }

    /// Leads new connections elsewhere.
    public func point(to port: Int) {
        target.port.withLock { $0 = port }
    }

    /// Lets what clients send from now on be changed; what comes in one piece is shown as such.
    public func alter(_ alteration: Alteration?) {
        target.alteration.withLock { $0 = alteration }
    }

    /// Takes no more connections; those that are open stay.
    public func stop() async {
        try? await channel.close()
    }
}

/// Passes on what comes, and the end.
private final class Passage: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let other: any Channel
    private let alteration: () -> TCPForwarder.Alteration?

    init(to other: any Channel, _ alteration: @escaping () -> TCPForwarder.Alteration? = { nil }) {
        self.other = other
        self.alteration = alteration
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if let alteration = alteration() {
            let altered = alteration(String(buffer: bytes))
            if altered.utf8.count == bytes.readableBytes { bytes = ByteBuffer(string: altered) }
        }
        other.writeAndFlush(bytes, promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        other.close(promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
