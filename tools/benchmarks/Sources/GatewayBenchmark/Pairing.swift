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
        let data = Data(bytes.readableBytesView)
        let headEnd = Data("\r\n\r\n".utf8)
        var count = 0
        var position = 0
        while position < data.count {
            guard let end = data.range(of: headEnd, in: position..<data.count) else {
                throw Failure("bytes that are no answer follow answer \(count)")
            }
            let head = String(decoding: data[position..<end.lowerBound], as: UTF8.self)
            let field = head.components(separatedBy: "\r\n")
                .first { $0.lowercased().hasPrefix("content-length:") }
            guard head.hasPrefix("HTTP/1.1 200 "),
                let length = field?.split(separator: " ").last.flatMap({ Int($0) })
            else { throw Failure("answer \(count + 1) is not what was asked for:\n\(head)") }
            position = end.upperBound + length
            count += 1
        }
        guard position == data.count else { throw Failure("the last answer is not whole") }
        return count
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
