import NIOCore
import NIOHTTP1

/// One connection to a server of an upstream, which carries one call at a time.
///
/// A connection is given back only when the whole read that ended its answer has been decoded, so
/// bytes after an answer are found before another call could take them for its own.
final class UpstreamConnection: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private enum State {
        /// May be leased.
        case idle
        /// Waits for an answer.
        case busy(ResponseAssembly, EventLoopPromise<UpstreamResponse>)
        /// Has its answer; the rest of the read is still being decoded.
        case answered(UpstreamResponse, reusable: Bool, EventLoopPromise<UpstreamResponse>)
        /// Is not used again.
        case closed
    }

    private let target: UpstreamTarget
    private let bodyLimit: Int
    private var state = State.idle
    private var channel: (any Channel)?
    private let pool: UpstreamPool
    /// Stands before the decoder.
    let heads = AnswerHeadKeeper()

    /// When it became idle, for the pool.
    var idleSince = NIODeadline.uptimeNanoseconds(0)
    /// Whether it has carried a call before.
    private(set) var wasUsed = false

    init(target: UpstreamTarget, bodyLimit: Int, pool: UpstreamPool) {
        self.target = target
        self.bodyLimit = bodyLimit
        self.pool = pool
    }

    func handlerAdded(context: ChannelHandlerContext) {
        channel = context.channel
    }

    // MARK: - Calls

    func send(_ request: UpstreamRequest, promise: EventLoopPromise<UpstreamResponse>) {
        guard case .idle = state, let channel, channel.isActive else {
            promise.fail(
                UpstreamFailure(.closedEarly, "the connection was gone", wasSent: false))
            return
        }
        state = .busy(ResponseAssembly(target: target, bodyLimit: bodyLimit), promise)
        heads.begin()
        var fields = request.fields
        fields.replaceOrAdd(name: "Host", value: target.authority)
        if let body = request.body {
            fields.replaceOrAdd(name: "Content-Length", value: String(body.readableBytes))
        } else if !request.method.isSafe && request.method != .delete {
            fields.replaceOrAdd(name: "Content-Length", value: "0")
        }
        let head = HTTPRequestHead(
            version: .http1_1, method: HTTPMethod(rawValue: request.method.rawValue),
            uri: request.path, headers: fields)
        channel.write(HTTPClientRequestPart.head(head), promise: nil)
        if let body = request.body, body.readableBytes > 0 {
            channel.write(HTTPClientRequestPart.body(.byteBuffer(body)), promise: nil)
        }
        channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
    }

    /// Ends the call under way, if there is one, and the connection.
    func abort(_ failure: UpstreamFailure) {
        let ended = state
        state = .closed
        channel?.close(promise: nil)
        switch ended {
        case .busy(_, let promise), .answered(_, _, let promise): promise.fail(failure)
        case .idle, .closed: break
        }
    }

    // MARK: - What comes in

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .busy(var assembly, let promise) = state else {
            abort(UpstreamFailure(.broken, "an answer that nobody asked for"))
            return
        }
        guard let part = exact(unwrapInboundIn(data)) else {
            return abort(UpstreamFailure(.broken, "fields that cannot be told apart"))
        }
        // With a second reference here the whole body would be copied for each of its pieces.
        state = .closed
        switch assembly.take(part) {
        case .more: state = .busy(assembly, promise)
        case .finished(let response, let reusable):
            state = .answered(response, reusable: reusable, promise)
        case .failed(let failure):
            state = .busy(assembly, promise)
            abort(failure)
        }
    }

    /// A head with its fields byte by byte; `nil` if they cannot be told apart.
    private func exact(_ part: HTTPClientResponsePart) -> HTTPClientResponsePart? {
        guard case .head(let decoded) = part else { return part }
        let isInterim = (100..<200).contains(decoded.status.code)
        switch heads.take(decoded.headers, isInterim: isInterim) {
        case .asDecoded: return part
        case .fields(let fields):
            var head = decoded
            head.headers = fields
            return .head(head)
        case .unclear: return nil
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        finishAnswer()
        context.fireChannelReadComplete()
    }

    func channelInactive(context: ChannelHandlerContext) {
        finishAnswer()
        abort(UpstreamFailure(.closedEarly, "the connection was closed"))
        pool.connectionEnded(self)
        channel = nil
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if case .answered(let response, _, let promise) = state {
            // What follows the answer is odd; the answer itself is whole.
            state = .answered(response, reusable: false, promise)
            return
        }
        let kind: UpstreamFailure.Kind = error is IOError ? .closedEarly : .broken
        abort(UpstreamFailure(kind, "\(type(of: error))"))
    }

    private func finishAnswer() {
        guard case .answered(let response, let reusable, let promise) = state else { return }
        wasUsed = true
        if reusable {
            state = .idle
            pool.connectionIsIdle(self)
        } else {
            state = .closed
            channel?.close(promise: nil)
        }
        promise.succeed(response)
    }
}
