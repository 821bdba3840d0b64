import NIOCore
import NIOPosix

/// A TCP connection that sends whatever bytes it is given.
enum WireExchange {
    /// Sends `text`, waits for its answer, then sends what `next` says, and reads to the end.
    ///
    /// Answers are JSON objects.
    static func conversation(
        port: Int, _ text: String, then next: () async -> String
    ) async throws -> String {
        let channel = try await connect(port)
        return try await channel.executeThenClose { inbound, outbound in
            var received = ""
            var hasSaidAll = false
            try await outbound.write(ByteBuffer(string: text))
            for try await buffer in inbound {
                received += String(buffer: buffer)
                guard !hasSaidAll, received.hasSuffix("}") else { continue }
                hasSaidAll = true
                try await outbound.write(ByteBuffer(string: await next()))
            }
            return received
        }
    }

    private static func connect(
        _ port: Int
    ) async throws -> NIOAsyncChannel<ByteBuffer, ByteBuffer> {
        try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                        wrappingChannelSynchronously: channel)
                }
            }
    }

    /// Sends `text`, then reads until the server closes or `isEnough` holds, and closes.
    static func exchange(
        port: Int, _ text: String, until isEnough: (String) -> Bool = { _ in false }
    ) async throws -> String {
        let channel = try await connect(port)
        return try await channel.executeThenClose { inbound, outbound in
            var received = ""
            // Where it fails, the server has closed already; its answer tells why.
            try? await outbound.write(ByteBuffer(string: text))
            do {
                for try await buffer in inbound {
                    received += String(buffer: buffer)
                    if isEnough(received) { break }
                }
            } catch is IOError {
                // A reset after the answer is a close as well.
            }
            return received
        }
    }
}
