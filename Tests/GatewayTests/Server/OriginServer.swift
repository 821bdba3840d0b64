import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// A service behind the gateway that answers as the test says and remembers what it was asked.
final class OriginServer: Sendable {
    struct Request: Sendable {
        var method: String
        var target: String
        var fields: HTTPHeaders
        var body: String
    }

    struct Answer: Sendable {
        var status = 200
        var fields: HTTPHeaders = ["Content-Type": "application/json"]
        var body = "{}"
    }

    typealias Script = @Sendable (Request) async -> Answer

    let port: Int
    private let channel: any Channel
    private let log: LogBox

    /// All requests so far.
    var asked: [Request] { log.requests.withLock { $0 } }
    var count: Int { asked.count }

    static func start(_ script: @escaping Script) async throws -> OriginServer {
        let log = LogBox()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.configureHTTPServerPipeline()
                    try pipeline.addHandler(Responder(script, log))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return OriginServer(channel, log)
    }

    /// An origin that sends the same bytes on every connection once it is asked, then closes.
    static func hostile(
        _ bytes: String, closes: Bool = true
    ) async throws -> OriginServer {
        let log = LogBox()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        Replayer(ByteBuffer(string: bytes), closes: closes, log))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return OriginServer(channel, log)
    }

    private init(_ channel: any Channel, _ log: LogBox) {
        self.channel = channel
        self.log = log
        port = channel.localAddress?.port ?? 0
    }

    func stop() async { try? await channel.close() }

    final class LogBox: Sendable {
        let requests = Mutex<[Request]>([])
    }

    private final class Responder: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let script: Script
        private let log: LogBox
        private var head: HTTPRequestHead?
        private var body = ByteBuffer()

        init(_ script: @escaping Script, _ log: LogBox) {
            self.script = script
            self.log = log
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head):
                self.head = head
                body = ByteBuffer()
            case .body(var piece): body.writeBuffer(&piece)
            case .end: answer(on: context.channel)
            }
        }

        private func answer(on channel: any Channel) {
            guard let head else { return }
            let request = Request(
                method: head.method.rawValue, target: head.uri, fields: head.headers,
                body: String(buffer: body))
            log.requests.withLock { $0.append(request) }
            Task { [script] in
                let answer = await script(request)
                var fields = answer.fields
                fields.add(name: "Content-Length", value: String(answer.body.utf8.count))
                let head = HTTPResponseHead(
                    version: .http1_1, status: .init(statusCode: answer.status), headers: fields)
                channel.write(HTTPServerResponsePart.head(head), promise: nil)
                let body = ByteBuffer(string: answer.body)
                channel.write(HTTPServerResponsePart.body(.byteBuffer(body)), promise: nil)
                channel.writeAndFlush(HTTPServerResponsePart.end(nil), promise: nil)
            }
        }
    }

    private final class Replayer: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let bytes: ByteBuffer
        private let closes: Bool
        private let log: LogBox

        init(_ bytes: ByteBuffer, closes: Bool, _ log: LogBox) {
            self.bytes = bytes
            self.closes = closes
            self.log = log
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let text = String(buffer: unwrapInboundIn(data))
            log.requests.withLock {
                $0.append(Request(method: "", target: text, fields: [:], body: ""))
            }
            let closes = closes
            let channel = context.channel
            context.writeAndFlush(wrapOutboundOut(bytes)).whenComplete { _ in
                if closes { channel.close(promise: nil) }
            }
        }
    }
}
