import NIOCore

/// One connection to a server of an upstream, which carries one call at a time.
///
/// A connection is given back only when all that came with the end of its answer has been read, so
/// bytes after an answer are found before another call could take them for its own.
final class UpstreamConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum State {
        /// May be leased.
        case idle
        /// Waits for an answer.
        case busy(ResponseAssembly, EventLoopPromise<UpstreamResponse>)
        /// Has its answer; something may have come with it.
        case answered(ResponseAssembly.Whole, EventLoopPromise<UpstreamResponse>)
        /// Is not used again.
        case closed
    }

    private let target: UpstreamTarget
    private let limits: ResponseAssembly.Limits
    private var state = State.idle
    private var channel: (any Channel)?
    private let pool: UpstreamPool

    /// When it became idle, for the pool.
    var idleSince = NIODeadline.uptimeNanoseconds(0)
    /// Whether it has carried a call before.
    private(set) var wasUsed = false

    init(target: UpstreamTarget, limits: ResponseAssembly.Limits, pool: UpstreamPool) {
        self.target = target
        self.limits = limits
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
        state = .busy(ResponseAssembly(target: target, limits: limits), promise)
        let head = UpstreamRequestEncoder.head(request, host: target.authority)
        channel.write(head, promise: nil)
        if let body = request.body, body.readableBytes > 0 { channel.write(body, promise: nil) }
        channel.flush()
    }

    /// Ends the call under way, if there is one, and the connection.
    func abort(_ failure: UpstreamFailure) {
        let ended = state
        state = .closed
        channel?.close(promise: nil)
        switch ended {
        case .busy(_, let promise), .answered(_, let promise): promise.fail(failure)
        case .idle, .closed: break
        }
    }

    // MARK: - What comes in

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch state {
        case .busy(var assembly, let promise):
            // With a second reference here the whole body would be copied for each of its pieces.
            state = .closed
            do throws(UpstreamFailure) {
                if let whole = try assembly.take(unwrapInboundIn(data)) {
                    state = .answered(whole, promise)
                } else {
                    state = .busy(assembly, promise)
                }
            } catch {
                state = .busy(assembly, promise)
                abort(error)
            }
        case .answered: cannotBeReused()
        case .idle: abort(.broken("an answer that nobody asked for"))
        case .closed: break
        }
    }

    /// What follows the answer is odd; the answer itself is whole.
    private func cannotBeReused() {
        guard case .answered(var whole, let promise) = state else { return }
        state = .closed
        whole.isReusable = false
        state = .answered(whole, promise)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        finishAnswer()
        context.fireChannelReadComplete()
    }

    func channelInactive(context: ChannelHandlerContext) {
        finishAnswer()
        endInput()
        pool.connectionEnded(self)
        channel = nil
        context.fireChannelInactive()
    }

    /// The end of the connection is that of an answer that does not tell its length.
    private func endInput() {
        guard case .busy(var assembly, let promise) = state else {
            return abort(UpstreamFailure(.closedEarly, "the connection was closed"))
        }
        state = .closed
        do throws(UpstreamFailure) {
            promise.succeed(try assembly.inputEnded().response)
        } catch {
            promise.fail(error)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if case .answered = state { return cannotBeReused() }
        abort(UpstreamFailure(.closedEarly, "\(type(of: error))"))
    }

    private func finishAnswer() {
        guard case .answered(let whole, let promise) = state else { return }
        wasUsed = true
        if whole.isReusable {
            state = .idle
            pool.connectionIsIdle(self)
        } else {
            state = .closed
            channel?.close(promise: nil)
        }
        promise.succeed(whole.response)
    }
}
