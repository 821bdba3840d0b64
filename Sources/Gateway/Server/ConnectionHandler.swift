import NIOCore
import NIOHTTP1
import Observability

/// One client's connection: bytes to requests, requests to answers, one at a time and in order.
///
///            ┌───────────────── answered, kept alive ◄───────────────┐
///            ▼                                                       │
///        reading ─► head ─► receiving ─► end ─┬─ hit ────────────────┤ on this event loop
///            │                                └─ answering ──────────┘ a task asks
///            └─ fault, too slow, last answer ─► finishing ─► lingering ─► closed
///
/// Requests that arrive behind another wait in the parser; reading stops when many do. Answers go
/// out in slices, as the client takes them, and a connection is finishing until it has taken the
/// last byte. Then it lingers for what the client still sends, because closing a socket with
/// unread bytes can take the answer away from the client.
///
/// A client that is gone ends the work that was for it alone, and its request counts as 499. One
/// that has only ended its sending is answered. The two look alike, so it is sent an interim
/// answer: who waits skips it (RFC 9110 section 15.2), and who is gone resets the connection. One
/// of HTTP/1.0 cannot be asked, and gets its answer within the time that its route allows.
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
        case answering(Work)
        /// The last answer is on its way; what comes in is dropped.
        case finishing
        /// The last answer is out; what comes in is dropped.
        case lingering
        case closed
    }

    private struct Intake {
        let head: RequestHead
        let verdict: RequestPhases.Verdict
        var body = ByteBuffer()
    }

    private struct Work {
        let exchange: Exchange
        let task: Task<Void, Never>
    }

    private let group: ConnectionGroup
    private let identity: ConnectionIdentity
    private var accounts: RequestAccounts
    private var context: ChannelHandlerContext?
    private var parser: RequestParser
    private var keys = CacheKey.Builder()
    private var state = State.reading
    /// When what is awaited began to be awaited.
    private var since = Moment.now()
    /// The channel has as much to send as it takes.
    private var isBlocked = false
    /// A write is being called: whatever the channel tells from inside of it is only noted.
    private var isWriting = false
    private var queue = AnswerQueue()
    private var progress = WriteProgress()
    private var closesAfterAnswer = false
    private var heldRead = false
    /// When the client ended its sending.
    private var inputEnded: Moment?
    private var hasProbed = false

    /// Bytes of later requests that may wait; then reading stops.
    private static let backlog = 64 * 1024
    /// Output is handed on when it reaches this.
    private static let outputChunk = 64 * 1024
    private static let lingerTime = Duration.seconds(2)

    init(_ group: ConnectionGroup, _ identity: ConnectionIdentity) {
        self.group = group
        self.identity = identity
        accounts = RequestAccounts(group, identity)
        parser = RequestParser(limits: group.configuration.limits)
    }

    // MARK: - Life

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        group.add(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        conclude(status: 499)
        self.context = nil
        group.remove(self)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        abort()
    }

    /// Ends the connection at once.
    ///
    /// - Parameter status: what a request counts as that loses its answer by this.
    func abort(status: Int = 499) {
        conclude(status: status)
        context?.close(promise: nil)
    }

    /// No further request is begun; one that has begun gets its answer.
    func drain() {
        closesAfterAnswer = true
        if case .reading = state, !parser.isInsideRequest { leave() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed = event else {
            return context.fireUserInboundEventTriggered(event)
        }
        inputEnded = .now()
        if case .lingering = state { return sweepLingering(.now()) }
        advance()
    }

    /// Ends the connection once the client has all that waits for it.
    private func leave() {
        guard unsentBytes > 0 else { return abort() }
        answeredLast()
        flush()
    }

    /// Ends the work that nobody waits for any more, and accounts for what had begun.
    private func conclude(status: Int) {
        let ended = state
        state = .closed
        switch ended {
        case .answering(let work):
            work.task.cancel()
            let exchange = work.exchange
            log(exchange.head, exchange.route, status, bytes: 0, name: exchange.name)
        case .receiving(let intake): logCut(intake, status)
        case .reading: logPartialHead(status)
        case .finishing, .lingering, .closed: break
        }
        accounts.cut(behind: queue.position, status: status)
    }

    // MARK: - Reading

    func read(context: ChannelHandlerContext) {
        heldRead = parser.bufferedBytes > Self.backlog
        if !heldRead { context.read() }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch state {
        case .finishing, .lingering, .closed: return
        case .reading, .receiving, .answering: break
        }
        if case .reading = state, !parser.isInsideRequest { since = .now() }
        parser.feed(unwrapInboundIn(data))
        advance()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        isBlocked = !context.channel.isWritable
        progress.reset()
        if !isBlocked, !isWriting {
            // What came meanwhile had to wait for us.
            if case .reading = state { since = .now() }
            advance()
        }
        context.fireChannelWritabilityChanged()
    }

    /// Takes what the parser has until a request has to wait for its answer.
    private func advance() {
        reading: while context != nil {
            if queue.count >= Self.outputChunk { flush() }
            guard !isBlocked else { break }
            switch state {
            case .reading, .receiving: break
            case .answering, .finishing, .lingering, .closed: break reading
            }
            do throws(RequestFault) {
                guard let event = try parser.next() else { break reading }
                take(event)
            } catch {
                refuse(error)
            }
        }
        flush()
        endInput()
        guard let context else { return }
        if heldRead && parser.bufferedBytes <= Self.backlog {
            heldRead = false
            context.read()
        }
    }

    /// Leaves once there is nothing more to answer and nothing more can come.
    private func endInput() {
        guard inputEnded != nil, !isBlocked else { return }
        switch state {
        case .reading:
            logPartialHead(499)
            leave()
        case .receiving(let intake):
            state = .reading
            logCut(intake, 499)
            leave()
        case .answering, .finishing, .lingering, .closed: break
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
        hasProbed = false
        let verdict = group.phases.judge(
            head, at: now, connection: identity, keys: &keys, namer: &group.namer)
        let intake = Intake(head: head, verdict: verdict)
        state = .receiving(intake)
        guard head.expectsContinue, head.framing != .none else { return }
        if case .ask = verdict {
            if parser.bufferedBytes == 0 {
                queue.tail.writeStaticString("HTTP/1.1 100 Continue\r\n\r\n")
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
            if intake.head.framing != .none { exchange.body = intake.body }
            ask(exchange)
        }
    }

    private func ask(_ exchange: Exchange) {
        let phases = group.phases
        let bound = NIOLoopBound(self, eventLoop: group.eventLoop)
        let tasks = group.tasks
        tasks.begin()
        let task = Task {
            let answer = await phases.ask(exchange)
            exchange.eventLoop.execute { bound.value.finish(exchange, answer) }
            tasks.end()
        }
        state = .answering(Work(exchange: exchange, task: task))
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
        let before = queue.count
        let name = head.contains(.requestID) ? name(of: head) : nil
        let status = AnswerWriter.write(response, .hit, frame, at: since, into: &queue) { buffer in
            if let name { buffer.writeString(name) } else { group.namer.writeNext(into: &buffer) }
        }
        let ended = EndedRequest(
            route: route, asked: .head(head), status: status, cacheStatus: .hit,
            bytes: queue.count - before,
            nanoseconds: Moment.now().nanoseconds - since.nanoseconds)
        if queue.hasBodies {
            accounts.wait(ended, until: queue.end, name: name ?? "")
        } else {
            accounts.log(ended, name: name ?? "")
        }
        if !frame.keepsAlive { answeredLast() }
    }

    private func send(
        _ answer: Answer, _ head: RequestHead, name: String, route: CompiledRoute?
    ) {
        let frame = frame(head)
        let before = queue.count
        let now = Moment.now()
        let status = AnswerWriter.write(answer, frame, at: now, into: &queue) {
            $0.writeString(name)
        }
        let ended = EndedRequest(
            route: route, asked: .head(head), status: status, cacheStatus: answer.cacheStatus,
            bytes: queue.count - before,
            nanoseconds: now.nanoseconds - since.nanoseconds)
        accounts.wait(ended, until: queue.end, name: name, upstream: answer.upstream)
        since = now
        if !frame.keepsAlive { answeredLast() }
    }

    // MARK: - Accounts

    /// A request that got no answer.
    private func log(
        _ head: RequestHead, _ route: CompiledRoute?, _ status: Int, bytes: Int, name: String
    ) {
        let ended = EndedRequest(
            route: route, asked: .head(head), status: status, cacheStatus: nil, bytes: bytes,
            nanoseconds: Moment.now().nanoseconds - since.nanoseconds)
        accounts.log(ended, name: name)
    }

    /// Accounts for a head that broke off, if there is one, and forgets it.
    private func logPartialHead(_ status: Int) {
        guard parser.isInsideRequest else { return }
        let ended = EndedRequest(
            route: nil, asked: .refused(parser.refusedHead), status: status, cacheStatus: nil,
            bytes: 0, nanoseconds: Moment.now().nanoseconds - since.nanoseconds)
        parser = RequestParser(limits: group.configuration.limits)
        accounts.log(ended, name: group.namer.next())
    }

    private func logCut(_ intake: Intake, _ status: Int) {
        switch intake.verdict {
        case .hit(let route, _):
            log(intake.head, route, status, bytes: 0, name: name(of: intake.head))
        case .ask(let exchange):
            log(intake.head, exchange.route, status, bytes: 0, name: exchange.name)
        case .answered, .options:
            log(intake.head, nil, status, bytes: 0, name: name(of: intake.head))
        }
    }

    // MARK: - Frames

    private func frame(_ head: RequestHead) -> AnswerWriter.Frame {
        AnswerWriter.Frame(
            isHead: head.method == .head,
            keepsAlive: head.keepsAlive && !closesAfterAnswer && !group.notice.isGiven
                && (inputEnded == nil || parser.bufferedBytes > 0),
            minorVersion: head.minorVersion,
            ifNoneMatch: head.contains(.ifNoneMatch) ? head.joined("if-none-match") : nil)
    }

    private func name(of head: RequestHead) -> String {
        head.first(.requestID).flatMap { RequestName(accepting: $0)?.description }
            ?? group.namer.next()
    }

    /// Answers bytes that are not a request, and ends the connection.
    private func refuse(_ fault: RequestFault) {
        let refused: EndedRequest.Asked =
            if case .receiving(let intake) = state { .head(intake.head) } else {
                .refused(parser.refusedHead)
            }
        let name = group.namer.next()
        let answer = Answer(GatewayProblem(fault), requestName: name)
        // Whoever sent HEAD reads no body, also behind a refusal.
        let frame = AnswerWriter.Frame(isHead: refused.isHead, keepsAlive: false, minorVersion: 1)
        let before = queue.count
        _ = AnswerWriter.write(answer, frame, at: since, into: &queue) { $0.writeString(name) }
        let ended = EndedRequest(
            route: nil, asked: refused, status: fault.status, cacheStatus: nil,
            bytes: queue.count - before, nanoseconds: Moment.now().nanoseconds - since.nanoseconds)
        accounts.wait(ended, until: queue.end, name: name)
        answeredLast()
    }

    // MARK: - Writing and ending

    /// Hands on what the channel takes.
    ///
    /// It calls back from inside a write: it may become unwritable and writable again there. So
    /// bytes are taken out of the queue before, and nothing goes on before the write returns.
    private func flush() {
        guard !isWriting else { return }
        isWriting = true
        while !isBlocked, let context, var piece = queue.next() {
            let isLast = queue.isEmpty && isFinishing
            context.write(wrapOutboundOut(piece.bytes), promise: isLast ? lastWrite() : nil)
            if queue.isEmpty || isBlocked { context.flush() }
            // The socket has usually taken the bytes by now, and the memory is free to be used.
            if piece.isOwn { queue.reuse(&piece.bytes) }
        }
        isWriting = false
        accounts.sent(upTo: queue.position)
    }

    private var isFinishing: Bool {
        if case .finishing = state { true } else { false }
    }

    /// Bytes that the client's system has not taken.
    private var unsentBytes: Int {
        guard let channel = context?.channel else { return queue.count }
        let buffered = try? channel.syncOptions?.getOption(.bufferedWritableBytes)
        return queue.count + (buffered ?? 0) + SendBacklog.bytes(of: channel)
    }

    /// Nothing is read any more; the connection ends when the client has the answer.
    private func answeredLast() {
        state = .finishing
        progress.reset()
        parser = RequestParser(limits: group.configuration.limits)
        guard queue.isEmpty, let context else { return }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: lastWrite())
    }

    private func lastWrite() -> EventLoopPromise<Void> {
        let promise = group.eventLoop.makePromise(of: Void.self)
        let bound = NIOLoopBound(self, eventLoop: group.eventLoop)
        promise.futureResult.whenComplete { _ in bound.value.linger() }
        return promise
    }

    private func linger() {
        guard case .finishing = state else { return }
        since = .now()
        progress.reset()
        state = .lingering
        context?.close(mode: .output, promise: nil)
    }

    /// What this connection alone keeps in memory of answers.
    var heldBytes: Int { queue.heldBytes }

    /// Enforces time limits; called by the group all the time.
    func sweep(_ now: Moment) {
        let limits = group.configuration
        if isBlocked || isFinishing { return sweepWriting(now) }
        if !isIdle(now) { progress.reset() }
        switch state {
        case .reading where parser.isInsideRequest:
            if since + limits.headerTimeout < now { expire() }
        case .reading:
            if isIdle(now) { sweepWriting(now) }
        case .receiving:
            if since + limits.bodyTimeout < now { expire() }
        case .answering(let work):
            if let inputEnded { probe(work.exchange.head, inputEnded, now) }
        case .lingering: sweepLingering(now)
        case .finishing, .closed: break
        }
    }

    private func isIdle(_ now: Moment) -> Bool {
        guard case .reading = state, !parser.isInsideRequest else { return false }
        return since + group.configuration.idleTimeout < now
    }

    /// A client may be slow, as long as it takes something.
    private func sweepWriting(_ now: Moment) {
        let unsent = unsentBytes
        let limit = group.configuration.writeTimeout
        if unsent == 0 || progress.isStalled(unsent, at: now, limit: limit) { abort() }
    }

    /// It lingers from when the client has everything: what the system still holds would be lost if
    /// more came in after the end.
    private func sweepLingering(_ now: Moment) {
        let unsent = unsentBytes
        guard unsent == 0 else {
            since = now
            let limit = group.configuration.writeTimeout
            if progress.isStalled(unsent, at: now, limit: limit) { abort() }
            return
        }
        if inputEnded != nil || since + Self.lingerTime < now { abort() }
    }

    /// Finds out whether a client that ended its sending still waits.
    private func probe(_ head: RequestHead, _ ended: Moment, _ now: Moment) {
        let question = PresenceQuestion(inputEnded: ended, asked: since)
        guard !hasProbed, question.isDue(now, minorVersion: head.minorVersion) else { return }
        hasProbed = true
        queue.tail.writeStaticString("HTTP/1.1 100 Continue\r\n\r\n")
        flush()
    }

    private func expire() {
        refuse(.tooSlow)
        flush()
    }
}
