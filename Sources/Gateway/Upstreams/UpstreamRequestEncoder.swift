import NIOCore
import NIOHTTP1

/// Writes requests as they are meant, fields byte by byte.
///
/// The caller sets `Content-Length`; nothing is added here.
final class UpstreamRequestEncoder: ChannelOutboundHandler {
    typealias OutboundIn = HTTPClientRequestPart
    typealias OutboundOut = ByteBuffer

    func write(
        context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?
    ) {
        switch unwrapOutboundIn(data) {
        case .head(let head):
            context.write(wrapOutboundOut(Self.bytes(of: head)), promise: promise)
        case .body(.byteBuffer(let bytes)):
            context.write(wrapOutboundOut(bytes), promise: promise)
        case .body(.fileRegion), .end:
            promise?.succeed()
        }
    }

    private static func bytes(of head: HTTPRequestHead) -> ByteBuffer {
        var bytes = ByteBuffer()
        bytes.reserveCapacity(1024)
        bytes.writeString(head.method.rawValue)
        bytes.writeStaticString(" ")
        bytes.writeString(head.uri)
        bytes.writeStaticString(" HTTP/1.1\r\n")
        for (name, value) in head.headers {
            bytes.writeString(name)
            bytes.writeStaticString(": ")
            FieldText.write(value, into: &bytes)
            bytes.writeStaticString("\r\n")
        }
        bytes.writeStaticString("\r\n")
        return bytes
    }
}
