import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes

//   socket ──► HTTP decoder ──► guard ──► framework
//                  │              │
//            parse error      no answer under way: 400 or 431, then close
//                             a body being read:   passed on, the reader answers
//
// A request that cannot be parsed never reaches the responder, so its answer is written here.
// While the server is about to stop, each answer says that it is the last, and its connection is
// closed behind it: the client asks whoever is to stay.
//
// A body that comes too slowly or does not end is cut off here, whether anybody reads it or not,
// and so is a client that does not take its answer.

/// Answers what is not an HTTP request and closes connections that hold a request back.
///
/// Lives on its connection's event loop.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// What the parser takes in before it gives up; finer limits are the responder's.
    static let headSizeMaximum = 65_536
    /// How much of a refused body is read and dropped, so that the client sees the answer.
    private static let drainedSizeMaximum = 8 * 1_048_576

    private let bodySizeMaximum: Int
    private let requestTimeout: TimeAmount
    private let answerTimeout: TimeAmount
    private var answersOwed = 0
    private var isReadingBody = false
    private var bodySize = 0
    private var deadline: Scheduled<Void>?
    private var lastWords: Problem?
    /// After a request that must not be understood, nothing that follows is a request.
    private var isDeaf = false
    private let pendingStop: PendingStop
    private var isLastAnswer = false

    init(limits: ServiceServerConfiguration, pendingStop: PendingStop = PendingStop()) {
        self.pendingStop = pendingStop
        self.bodySizeMaximum = max(limits.bodySizeMaximum, Self.drainedSizeMaximum)
        self.requestTimeout = TimeAmount(limits.requestTimeout)
        self.answerTimeout = TimeAmount(limits.idleTimeout)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isDeaf { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            guard Self.isFramedPlainly(head) else {
                isDeaf = true
                end(with: .malformedRequest, context)
                return
            }
            answersOwed += 1
            isReadingBody = true
            bodySize = 0
            startDeadline(context)
        case .body(let buffer):
            bodySize += buffer.readableBytes
            if bodySize > bodySizeMaximum {
                context.close(promise: nil)
                return
            }
        case .end:
            isReadingBody = false
            deadline?.cancel()
            deadline = nil
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(var head) where head.status.kind != .informational && pendingStop.isNear:
            isLastAnswer = true
            head.headerFields[.connection] = "close"
            context.write(wrapOutboundOut(.head(head)), promise: promise)
            return
        case .head, .body:
            context.write(data, promise: promise)
            return
        case .end: break
        }
        let taken = promise ?? context.eventLoop.makePromise()
        giveUpUnless(taken.futureResult, context)
        if isLastAnswer { close(after: taken.futureResult, context) }
        context.write(data, promise: taken)
        answersOwed -= 1
        if answersOwed == 0, let lastWords { say(lastWords, context) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? HTTPParserError, !isReadingBody else {
            context.fireErrorCaught(error)
            return
        }
        end(with: Self.problem(for: error), context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        deadline?.cancel()
        deadline = nil
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        deadline?.cancel()
        deadline = nil
    }

    /// Closes a connection whose client leaves its answer lying.
    private func giveUpUnless(_ taken: EventLoopFuture<Void>, _ context: ChannelHandlerContext) {
        let connection = NIOLoopBound(context, eventLoop: context.eventLoop)
        let deadline = context.eventLoop.scheduleTask(in: answerTimeout) {
            connection.value.close(promise: nil)
        }
        taken.whenComplete { _ in deadline.cancel() }
    }

    /// What has come behind the request is not answered: the client knows, and asks elsewhere.
    private func close(after taken: EventLoopFuture<Void>, _ context: ChannelHandlerContext) {
        isDeaf = true
        let connection = NIOLoopBound(context, eventLoop: context.eventLoop)
        taken.whenComplete { _ in connection.value.close(promise: nil) }
    }

    /// The parser lets other transfer codings pass and takes such a request for one without a
    /// body; whoever stands before us may have taken it for one with.
    private static func isFramedPlainly(_ head: HTTPRequest) -> Bool {
        let codings = head.headerFields[values: .transferEncoding]
        return codings.isEmpty || codings.count == 1 && codings[0].lowercased() == "chunked"
    }

    // MARK: - Answers

    /// Speaks at once, or after the answers that are still owed.
    private func end(with problem: Problem, _ context: ChannelHandlerContext) {
        if answersOwed == 0 {
            say(problem, context)
        } else {
            lastWords = problem
        }
    }

    private func startDeadline(_ context: ChannelHandlerContext) {
        deadline?.cancel()
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: requestTimeout) {
            self.deadline = nil
            self.say(
                Problem(
                    .requestTimeout, code: "request_timeout",
                    detail: "The request was not complete in time."), context)
        }
    }

    private func say(_ problem: Problem, _ context: ChannelHandlerContext) {
        lastWords = nil
        let body = ByteBuffer(bytes: problem.json(instance: nil, requestID: nil))
        let head = HTTPResponse(
            status: problem.status,
            headerFields: [
                .contentType: "application/problem+json",
                .contentLength: String(body.readableBytes),
                .connection: "close",
            ])
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(body)), promise: nil)
        let channel = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(HTTPResponsePart.end(nil))).whenComplete { _ in
            channel.value.close(promise: nil)
        }
    }

    private static func problem(for error: HTTPParserError) -> Problem {
        if case .headerOverflow = error {
            Problem(
                .requestHeaderFieldsTooLarge, code: "headers_too_large",
                detail: "The request line and the header fields are too large.")
        } else {
            .malformedRequest
        }
    }
}

extension Problem {
    fileprivate static let malformedRequest = Problem(
        .badRequest, code: "malformed_request", detail: "This is not an HTTP/1.1 request.")
}

@available(*, unavailable)
extension ConnectionGuard: Sendable {}
