import NIOCore
import NIOPosix
import Synchronization

/// A service that answers each request with bytes of the test's own, and keeps its connections.
final class RawOrigin: Sendable {
    typealias Script = @Sendable (_ request: String) -> ByteBuffer?

    let port: Int
    private let listener: any Channel
    private let connections: Connections

    final class Connections: Sendable {
        let open = Mutex(0)
        let received = Mutex<[ByteBuffer]>([])
    }

    /// Requests in the order in which they came.
    var received: [ByteBuffer] { connections.received.withLock { $0 } }
    var requests: [String] { received.map { String(buffer: $0) } }
    /// Connections that are open now.
    var openConnections: Int { connections.open.withLock { $0 } }

    /// - Parameters:
    ///   - port: one that an earlier origin has left; else a free one.
    ///   - script: the answer to a request; `nil` never answers it.
    static func start(port: Int = 0, _ script: @escaping Script) async throws -> RawOrigin {
        let connections = Connections()
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        Answering(script, connections))
                }
            }
            .bind(host: "127.0.0.1", port: port).get()
        return RawOrigin(listener, connections)
    }

    private init(_ listener: any Channel, _ connections: Connections) {
        self.listener = listener
        self.connections = connections
        port = listener.localAddress?.port ?? 0
    }

    func stop() async { try? await listener.close() }

    /// Takes each read that ends in an empty line, or whatever comes, for a request.
    private final class Answering: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let script: Script
        private let connections: Connections
        private var bytes = ByteBuffer()

        init(_ script: @escaping Script, _ connections: Connections) {
            self.script = script
            self.connections = connections
        }

        func channelActive(context: ChannelHandlerContext) {
            connections.open.withLock { $0 += 1 }
        }

        func channelInactive(context: ChannelHandlerContext) {
            connections.open.withLock { $0 -= 1 }
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            bytes.writeImmutableBuffer(unwrapInboundIn(data))
            let text = String(buffer: bytes)
            guard text.contains("\r\n\r\n") else { return }
            connections.received.withLock { $0.append(bytes) }
            bytes = ByteBuffer()
            let answer = script(text)
            if let answer { context.writeAndFlush(wrapOutboundOut(answer), promise: nil) }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }
}
