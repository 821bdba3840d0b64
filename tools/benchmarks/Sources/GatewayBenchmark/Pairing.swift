import Foundation
import NIOCore
import NIOPosix

/// Counts answers against requests: as many of the one as of the other, and not a byte more.
///
/// wrk would not notice an answer too many.
enum Pairing {
    /// Sends pipelined requests over one connection and counts what comes until its end.
    static func count(_ requests: Int, port: Int, path: String) async throws -> Int {
        let (pieces, continuation) = AsyncStream.makeStream(of: ByteBuffer.self)
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Reader(continuation))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        let one = "GET \(path) HTTP/1.1\r\nHost: shop\r\n"
        var text = String(repeating: one + "\r\n", count: requests - 1)
        text += one + "Connection: close\r\n\r\n"
        channel.writeAndFlush(ByteBuffer(string: text), promise: nil)
        var answers = ByteBuffer()
        for await piece in pieces { answers.writeImmutableBuffer(piece) }
        return try answerCount(answers)
    }

    /// Answers that lie whole, one behind the other, in the bytes.
    private static func answerCount(_ bytes: ByteBuffer) throws -> Int {
        var rest = bytes
        var count = 0
        while rest.readableBytes > 0 {
            guard let length = headLength(rest), let head = rest.readString(length: length) else {
                throw Failure("bytes that are not an answer follow answer \(count)")
            }
            let field = head.components(separatedBy: "\r\n")
                .first { $0.lowercased().hasPrefix("content-length:") }
            guard head.hasPrefix("HTTP/1.1 200 "),
                let body = field?.split(separator: " ").last.flatMap({ Int($0) })
            else { throw Failure("answer \(count + 1) is not what was asked for:\n\(head)") }
            guard rest.readSlice(length: body) != nil else {
                throw Failure("answer \(count + 1) is not whole")
            }
            count += 1
        }
        return count
    }

    /// Bytes up to the end of the first empty line.
    private static func headLength(_ bytes: ByteBuffer) -> Int? {
        bytes.withUnsafeReadableBytes { bytes in
            (3..<max(3, bytes.count)).first { index in
                bytes[index] == 10 && bytes[index - 1] == 13 && bytes[index - 2] == 10
            }.map { $0 + 1 }
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
}
