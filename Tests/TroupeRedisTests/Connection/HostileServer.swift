import NIOCore
import NIOPosix
import Synchronization

/// A peer that greets as Redis does and then sends whatever a test wants.
final class HostileServer: Sendable {
    /// What happens on one connection after the greeting.
    enum Conduct: Sendable {
        /// Every command is answered `+OK`.
        case sound
        /// The first command is answered with these bytes.
        case sends([UInt8])
        /// The first command is answered with these bytes and the end of the connection.
        case sendsAndCloses([UInt8])
        /// Nothing is answered.
        case silent
        /// The greeting itself is answered with this line.
        case greets(String)
    }

    private let channel: any Channel
    private let connections: Counter
    let port: Int

    private final class Counter: Sendable {
        let count = Atomic(0)
    }

    /// - Parameter conducts: for the first connections in order; later ones are sound.
    init(_ conducts: [Conduct]) async throws {
        let connections = Counter()
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                let number = connections.count.add(1, ordering: .relaxed).oldValue
                let conduct = number < conducts.count ? conducts[number] : .sound
                return channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Peer(conduct))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        self.connections = connections
        port = channel.localAddress?.port ?? 0
    }

    /// How often somebody connected.
    var connectionCount: Int { connections.count.load(ordering: .relaxed) }

    func stop() async {
        try? await channel.close()
    }
}

private final class Peer: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let conduct: HostileServer.Conduct
    private var hasGreeted = false
    private var hasAnswered = false

    init(_ conduct: HostileServer.Conduct) {
        self.conduct = conduct
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let text = String(buffer: unwrapInboundIn(data))
        let commands = text.split(separator: "\r\n").count { $0.first == "*" }
        guard hasGreeted else {
            hasGreeted = true
            if case .greets(let line) = conduct {
                send(String(repeating: "\(line)\r\n", count: commands), context)
            } else {
                send(String(repeating: "+PONG\r\n", count: commands), context)
            }
            return
        }
        switch conduct {
        case .sound, .greets:
            send(String(repeating: "+OK\r\n", count: commands), context)
        case .silent:
            break
        case .sends(let bytes) where !hasAnswered:
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
        case .sendsAndCloses(let bytes) where !hasAnswered:
            let answer = wrapOutboundOut(ByteBuffer(bytes: bytes))
            let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
            context.writeAndFlush(answer).whenComplete { _ in bound.value.close(promise: nil) }
        case .sends, .sendsAndCloses:
            break
        }
        hasAnswered = true
    }

    private func send(_ text: String, _ context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
    }
}
