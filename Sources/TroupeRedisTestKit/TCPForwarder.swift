import NIOCore
import NIOPosix
import Synchronization
package import Testing

/// An address that stays while the server behind it changes, as managed services have one.
///
/// New connections lead to where it points then; those that are open stay where they are.
package final class TCPForwarder: Sendable {
    private let channel: any Channel
    private let target: Target
    /// Where it listens, on 127.0.0.1.
    package let port: Int

    /// Changes what clients send; what comes out has to be as long as what went in.
    package typealias Alteration = @Sendable (String) -> String

    private final class Target: Sendable {
        let port: Mutex<Int>
        let alteration = Mutex<PendingAlteration?>(nil)

        init(_ port: Int) {
            self.port = Mutex(port)
        }

        func altered(_ bytes: ByteBuffer) -> ByteBuffer {
            alteration.withLock { $0?.altered(bytes) ?? bytes }
        }
    }

    /// An alteration, and whether it has found what it is to alter.
    private struct PendingAlteration {
        var change: Alteration
        var place: SourceLocation
        var isFound = false
        var hasOtherLength = false

        /// What is not found passes as it came.
        mutating func altered(_ bytes: ByteBuffer) -> ByteBuffer {
            let text = String(buffer: bytes)
            let altered = change(text)
            guard altered != text else { return bytes }
            guard altered.utf8.count == bytes.readableBytes else {
                hasOtherLength = true
                return bytes
            }
            isFound = true
            return ByteBuffer(string: altered)
        }

        /// Why it did not do its work, if so.
        var fault: Comment? {
            if hasOtherLength { return "the forwarder was told to alter a text's length" }
            return isFound ? nil : "the forwarder never found what it was told to alter"
        }
    }

    /// Forwards to a port of this machine.
    package init(to port: Int) async throws {
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
                                Passage(to: server, target.altered))
                        }
                    }
                    .flatMap { client.setOption(.autoRead, value: true) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        self.port = channel.localAddress?.port ?? 0
    }

    /// Leads new connections elsewhere.
    package func point(to port: Int) {
        target.port.withLock { $0 = port }
    }

    /// Lets what clients send from now on be changed; what comes in one piece is shown as such.
    ///
    /// The test fails if the alteration before it never found what it was to alter.
    package func alter(
        _ alteration: Alteration?, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let next = alteration.map { PendingAlteration(change: $0, place: sourceLocation) }
        let last = target.alteration.withLock { current in
            defer { current = next }
            return current
        }
        if let last, let fault = last.fault { Issue.record(fault, sourceLocation: last.place) }
    }

    /// Takes no more connections; those that are open stay, and what they carry is not altered.
    package func stop() async {
        alter(nil)
        try? await channel.close()
    }
}

/// Passes on what comes, and the end.
private final class Passage: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let other: any Channel
    private let altered: (ByteBuffer) -> ByteBuffer

    init(to other: any Channel, _ altered: @escaping (ByteBuffer) -> ByteBuffer = { $0 }) {
        self.other = other
        self.altered = altered
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        other.writeAndFlush(altered(unwrapInboundIn(data)), promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        other.close(promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
