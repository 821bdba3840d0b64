import NIOCore
import NIOHTTP1
import Observability

/// One client's connection: bytes to requests, requests to answers, one at a time and in order.
///
///            ┌───────────────── answered, kept alive ◄───────────────┐
///            ▼                                                       │
///        reading ─► head ─► receiving ─► end ─┬─ hit ────────────────┤ on this event loop
///            │                                └─ answering ──────────┘ a task asks
///            └─ fault, too slow, last answer ─► lingering ─► closed
///
/// Requests that arrive behind another wait in the parser; reading stops when many do. After a
/// last answer the connection lingers for what the client still sends, because closing a socket
/// with unread bytes can take the answer away from the client.
final class ConnectionHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum State {
        /// A head is awaited or arrives.
        case reading
        /// The request is known, its end is awaited.
        case receiving(Intake)
        /// A task works on the answer.
        case answering
        /// The last answer is out; what comes in is dropped.
        case lingering
        case closed
    }

    private struct Intake {
        let head: RequestHead
        let verdict: RequestPhases.Verdict
        var body = ByteBuffer()
    }

    private let group: ConnectionGroup
    private let identity: ConnectionIdentity
    private var context: ChannelHandlerContext?
    private var parser: RequestParser
    private var keys = CacheKey.Builder()
    private var state = State.reading
    /// When what is awaited began to be awaited.
    private var since = Moment.now()
    private var blockedSince: Moment?
    /// A write is being called: whatever the channel tells from inside of it is only noted.
    private var isWriting = false
    private var output = ByteBuffer()
    private var closesAfterAnswer = false
    private var heldRead = false

    /// Bytes of later requests that may wait; then reading stops.
    private static let backlog = 64 * 1024
    /// Output is handed on when it reaches this.
    private static let outputChunk = 64 * 1024
    /// Memory for output that a connection keeps between answers.
    private static let keptCapacity = 8 * 1024
    private static let lingerTime = Duration.seconds(2)

    init(_ group: ConnectionGroup, peer: String) {
        self.group = group
        identity = ConnectionIdentity(peer: peer, eventLoop: group.eventLoop)
        parser = RequestParser(limits: group.configuration.limits)
    }

    // MARK: - Life

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        group.add(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        state = .closed
        self.context = nil
        group.remove(self)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        abort()
    }

    func abort() {
        state = .closed
        context?.close(promise: nil)
    }

    /// No further request is begun; one that has begun gets its answer.
    func drain() {
        closesAfterAnswer = true
        if case .reading = state, !parser.isInsideRequest { abort() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed = event else {
            return context.fireUserInboundEventTriggered(event)
        }
        if case .answering = state { closesAfterAnswer = true } else { abort() }
    }

    // MARK: - Reading

    func read(context: ChannelHandlerContext) {
        heldRead = parser.bufferedBytes > Self.backlog
        if !heldRead { context.read() }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch state {
        case .lingering, .closed: return
        case .reading, .receiving, .answering: break
        }
        if case .reading = state, !parser.isInsideRequest { since = .now() }
        parser.feed(unwrapInboundIn(data))
        advance()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        blockedSince = context.channel.isWritable ? nil : .now()
        if blockedSince == nil, !isWriting { advance() }
        context.fireChannelWritabilityChanged()
    }

    /// Takes what the parser has until a request has to wait for its answer.
    private func advance() {
        reading: while let context, blockedSince == nil {
            switch state {
            case .reading, .receiving: break
            case .answering, .lingering, .closed: break reading
            }
            do throws(RequestFault) {
                guard let event = try parser.next() else { break reading }
                take(event)
            } catch {
                refuse(error)
            }
            if output.readableBytes >= Self.outputChunk { flush(context) }
        }
        guard let context else { return }
        flush(context)
        if heldRead && parser.bufferedBytes <= Self.backlog {
            heldRead = false
            context.read()
        }
    }

    private func take(_ event: RequestParser.Event) {
        switch event {
        case .head(let head): begin(head)
        case .body(var piece):
            guard case .receiving(var intake) = state else { return }
            state = .reading
            if intake.body.readableBytes == 0 {
                intake.body = piece
            } else {
                intake.body.writeBuffer(&piece)
            }
            state = .receiving(intake)
        case .end:
            guard case .receiving(let intake) = state else { return }
            finish(intake)
        }
    }

    private func begin(_ head: RequestHead) {
        let now = Moment.now()
        since = now
        let verdict = group.phases.judge(
            head, at: now, connection: identity, keys: &keys, namer: &group.namer)
        let intake = Intake(head: head, verdict: verdict)
        state = .receiving(intake)
        guard head.expectsContinue, head.framing != .none else { return }
        if case .ask = verdict {
            if parser.bufferedBytes == 0 {
                output.writeStaticString("HTTP/1.1 100 Continue\r\n\r\n")
            }
        } else {
            // The client waits before it sends the body; with this answer it need not send it.
            closesAfterAnswer = true
            finish(intake)
        }
    }

    private func finish(_ intake: Intake) {
        state = .reading
        switch intake.verdict {
        case .hit(let route, let response):
            answerHit(intake.head, route, response)
        case .answered(let problem):
            let name = name(of: intake.head)
            send(Answer(problem, requestName: name), intake.head, name: name, route: nil)
        case .options(let allow):
            let name = name(of: intake.head)
            let empty = FetchedResponse(
                status: 204, fields: ["Allow": allow], body: ByteBuffer())
            send(Answer(empty), intake.head, name: name, route: nil)
        case .ask(var exchange):
            state = .answering
            if intake.head.framing != .none { exchange.body = intake.body }
            ask(exchange)
        }
    }

    private func ask(_ exchange: Exchange) {
        let phases = group.phases
        let bound = NIOLoopBound(self, eventLoop: group.eventLoop)
        Task {
            let answer = await phases.ask(exchange)
            exchange.eventLoop.execute { bound.value.finish(exchange, answer) }
        }
    }

    private func finish(_ exchange: Exchange, _ answer: Answer) {
        guard case .answering = state else { return }
        state = .reading
        send(answer, exchange.head, name: exchange.name, route: exchange.route)
        advance()
    }

    // MARK: - Answering

    /// The whole way of a hit from memory to the socket.
    private func answerHit(
        _ head: RequestHead, _ route: CompiledRoute, _ response: StoredResponse
    ) {
        let frame = frame(head)
        let before = output.readableBytes
        let name = head.contains(.requestID) ? name(of: head) : nil
        let status = AnswerWriter.write(response, .hit, frame, at: since, into: &output) { buffer in
            if let name { buffer.writeString(name) } else { group.namer.writeNext(into: &buffer) }
        }
        let ended = EndedRequest(
            route: route, method: head.method, status: status, cacheStatus: .hit,
            bytes: output.readableBytes - before,
            nanoseconds: Moment.now().nanoseconds - since.nanoseconds)
        group.phases.log(ended)
        group.hits &+= 1
        if group.phases.accessLog.wantsHit(group.hits) {
            group.phases.accessLog.write(
                ended, path: head.target.text, name: name ?? "", upstream: nil)
        }
        if !frame.keepsAlive { linger() }
    }

    private func send(
        _ answer: Answer, _ head: RequestHead, name: String, route: CompiledRoute?
    ) {
        let frame = frame(head)
        let before = output.readableBytes
        let now = Moment.now()
        let status = AnswerWriter.write(answer, frame, at: now, into: &output) {
            $0.writeString(name)
        }
        let ended = EndedRequest(
            route: route, method: head.method, status: status, cacheStatus: answer.cacheStatus,
            bytes: output.readableBytes - before,
            nanoseconds: now.nanoseconds - since.nanoseconds)
        group.phases.log(ended)
        group.phases.accessLog.write(
            ended, path: head.target.text, name: name, upstream: answer.upstream)
        since = now
        if !frame.keepsAlive { linger() }
    }

    private func frame(_ head: RequestHead) -> AnswerWriter.Frame {
        AnswerWriter.Frame(
            isHead: head.method == .head, keepsAlive: head.keepsAlive && !closesAfterAnswer,
            minorVersion: head.minorVersion,
            ifNoneMatch: head.contains(.ifNoneMatch) ? head.joined("if-none-match") : nil)
    }

    private func name(of head: RequestHead) -> String {
        head.first(.requestID).flatMap { RequestName(accepting: $0)?.description }
            ?? group.namer.next()
    }

    /// Answers bytes that are no request, and ends the connection.
    private func refuse(_ fault: RequestFault) {
        let name = group.namer.next()
        let answer = Answer(GatewayProblem(fault), requestName: name)
        let frame = AnswerWriter.Frame(isHead: false, keepsAlive: false, minorVersion: 1)
        let before = output.readableBytes
        _ = AnswerWriter.write(answer, frame, at: since, into: &output) { $0.writeString(name) }
        let ended = EndedRequest(
            route: nil, method: .get, status: fault.status, cacheStatus: nil,
            bytes: output.readableBytes - before, nanoseconds: 0)
        group.phases.log(ended)
        group.phases.accessLog.write(ended, path: "", name: name, upstream: nil)
        linger()
    }

    // MARK: - Writing and ending

    /// Hands on what there is.
    ///
    /// The channel calls back from inside the write: it may become unwritable and writable again
    /// there. So the bytes are taken out before, and nothing goes on before the write returns.
    private func flush(_ context: ChannelHandlerContext) {
        guard output.readableBytes > 0 else { return }
        var bytes = ByteBuffer()
        swap(&bytes, &output)
        isWriting = true
        if case .lingering = state {
            let bound = NIOLoopBound(self, eventLoop: group.eventLoop)
            context.writeAndFlush(wrapOutboundOut(bytes)).whenComplete { _ in
                bound.value.context?.close(mode: .output, promise: nil)
            }
        } else {
            context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
        }
        isWriting = false
        // The socket has usually taken the bytes by now, and the memory is free to be used again.
        guard bytes.capacity <= Self.keptCapacity else { return }
        bytes.clear()
        output = bytes
    }

    /// Nothing is read any more; the connection ends when the client has the answer.
    private func linger() {
        since = .now()
        state = .lingering
    }

    /// Enforces time limits; called by the group all the time.
    func sweep(_ now: Moment) {
        let limits = group.configuration
        if let blockedSince, blockedSince + limits.writeTimeout < now { return abort() }
        switch state {
        case .reading where parser.isInsideRequest:
            if since + limits.headerTimeout < now { expire() }
        case .reading:
            if since + limits.idleTimeout < now { abort() }
        case .receiving:
            if since + limits.bodyTimeout < now { expire() }
        case .lingering:
            if since + Self.lingerTime < now { abort() }
        case .answering, .closed: break
        }
    }

    private func expire() {
        refuse(.tooSlow)
        if let context { flush(context) }
    }
}
