import DequeModule
import Logging
import NIOCore
import Synchronization

// One connection that many tasks share, and what happens to a command on it:
//
//   task A ─┐ encode, lock, append            ┌──────── event loop ────────┐
//   task B ─┼──────▶ incoming ──drain──▶ waiting ──pump──▶ inFlight ──reply──▶ resume
//   task C ─┘   (first one wakes the loop)         │ one write for all    ▲
//                                                  └──────▶ socket ───────┘
//
// - `incoming` is guarded by a lock; everything else is the event loop's alone.
// - `pump` writes as long as replies awaited and bytes unsent are below their limits. Reading
//   never waits for writing: a server that sends before it reads cannot lock us up.
// - A call that ended early stays in `inFlight` until its reply came, which is discarded.
// - One timer for all calls: it is set to the earliest moment at which one of them ends.

/// Sends calls over one socket at a time, and replaces the socket when it is lost.
final class CommandConnection: LinkOwner, @unchecked Sendable {
    private struct Incoming {
        var calls: [PendingCall] = []
        var isDrainDue = false
        /// Calls that the event loop could not send yet, as of its last turn.
        var backlog = 0
        var isClosed = false
    }

    private enum Admission {
        case wake, queued
        case refused(RedisError)
    }

    /// Bytes gathered before a write, so that a buffer never grows with the backlog.
    private static let writeBytes = 256 * 1024

    let eventLoop: any EventLoop
    private let connector: RedisConnector
    private let metrics: RedisMetrics
    private let logger: Logger
    private let incoming = Mutex(Incoming())

    // The event loop's.
    private var state: ConnectionState
    private var link: RedisLink?
    private var waiting = Deque<PendingCall>()
    private var inFlight = Deque<PendingCall>()
    private var repliesAwaited = 0
    private var drained: [PendingCall] = []
    private var outgoing = ByteBuffer()
    private var isPumping = false
    private var lostAt = NIODeadline.uptimeNanoseconds(0)
    private var lastError: RedisError?
    private var readyAt = NIODeadline.uptimeNanoseconds(0)
    /// What the server said by which it turned the link away.
    private var refusal: RedisError?
    /// Told from when on it is known that the address leads to another server than before.
    private let turnedAway: @Sendable (NIODeadline) -> Void
    private var epoch: LinkEpoch
    /// Whether the network leads to the server, which may still owe us its greeting.
    private var isOpen = false
    private var timer: Scheduled<Void>?
    private var timerDue = NIODeadline.distantFuture
    private var closing: EventLoopPromise<Void>?
    private let replyLimit: TimeAmount
    private let disconnectedWait: TimeAmount
    private let connectTimeout: TimeAmount

    init(
        connector: RedisConnector, eventLoop: any EventLoop, metrics: RedisMetrics,
        logger: Logger, comesBack: Bool = true, epochs: EpochRegister? = nil,
        turnedAway: @escaping @Sendable (NIODeadline) -> Void = { _ in }
    ) {
        let configuration = connector.configuration
        self.connector = connector
        self.eventLoop = eventLoop
        self.metrics = metrics
        self.logger = logger
        self.turnedAway = turnedAway
        epoch = LinkEpoch(epochs)
        replyLimit = TimeAmount(configuration.replyLimit)
        disconnectedWait = TimeAmount(configuration.disconnectedWait)
        connectTimeout = TimeAmount(configuration.connectTimeout)
        state = ConnectionState(
            comesBack: comesBack,
            backoff: Backoff(
                minimum: configuration.reconnectDelayMinimum,
                maximum: configuration.reconnectDelayMaximum))
    }

    private var configuration: RedisConfiguration { connector.configuration }

    // MARK: - Any thread

    /// Sends one command and waits for its reply.
    func send(
        _ command: RedisCommand, timeout: Duration, in epoch: RedisEpoch? = nil
    ) async throws(RedisError) -> RedisValue {
        let call = PendingCall(command, timeout: timeout, epoch: epoch)
        do {
            return try await withTaskCancellationHandler {
                try await withUnsafeThrowingContinuation { continuation in
                    if call.begin(continuation) { submit(call) }
                }
            } onCancel: {
                call.cancel()
            }
        } catch {
            throw RedisError(thrown: error)
        }
    }

    /// Sends commands in one piece and waits for all their replies.
    func send(
        batch: [RedisCommand], timeout: Duration, in epoch: RedisEpoch? = nil
    ) async throws(RedisError) -> PendingCall.Results {
        guard !batch.isEmpty else { return [] }
        let call = PendingCall(batch: batch, timeout: timeout, epoch: epoch)
        do {
            return try await withTaskCancellationHandler {
                try await withUnsafeThrowingContinuation { continuation in
                    if call.begin(continuation) { submit(call) }
                }
            } onCancel: {
                call.cancel()
            }
        } catch {
            throw RedisError(thrown: error)
        }
    }

    private func submit(_ call: PendingCall) {
        let admission: Admission = incoming.withLock { incoming in
            if incoming.isClosed { return .refused(Self.closed) }
            guard incoming.calls.count + incoming.backlog < configuration.commandsWaiting else {
                return .refused(RedisError(.overloaded, "too many commands wait for Redis"))
            }
            incoming.calls.append(call)
            if incoming.isDrainDue { return .queued }
            incoming.isDrainDue = true
            return .wake
        }
        switch admission {
        case .wake: eventLoop.execute { self.drain() }
        case .queued: break
        case .refused(let error): call.fail(error)
        }
    }

    /// Asks the server whose data it holds, and replaces the link if its epoch has ended or the
    /// data is not what it was.
    func checkIdentity(timeout: Duration) async {
        guard let number = try? await eventLoop.submit({ self.epoch.link }).get() else { return }
        let reply = try? await send(ServerIdentity.question, timeout: timeout)
        let answer = reply.flatMap { ServerIdentity($0) }
        let isReplica = reply.map { ServerIdentity.isReplica($0) }
        eventLoop.execute {
            if self.epoch.isOver(after: answer, asked: number) {
                self.link?.close(RedisError(.connectionLost, "Redis holds other data than before"))
            } else if let isReplica, self.epoch.isDemoted(isReplica, asked: number) {
                self.link?.close(RedisError(.connectionLost, "Redis has become a replica"))
            }
        }
    }

    /// Replaces the link if another connection has learned that its epoch has ended; asks nobody.
    func followEpoch() {
        eventLoop.execute {
            guard let link = self.link, self.epoch.isOver(after: nil, asked: self.epoch.link)
            else { return }
            link.close(RedisError(.connectionLost, "Redis holds other data than before"))
        }
    }

    /// Replaces the link if somebody waited for a reply in vain, which would keep others waiting.
    func giveUpOverdue() {
        eventLoop.execute {
            guard self.inFlight.contains(where: \.isFinished) else { return }
            self.link?.close(RedisError(.connectionLost, "a reply takes too long"))
        }
    }

    /// Takes no more calls, gives those under way a second to be answered, and closes.
    func close() async {
        refuseCalls()
        let closed = eventLoop.makePromise(of: Void.self)
        eventLoop.execute { self.beginClosing(closed) }
        try? await closed.futureResult.get()
    }

    /// Closes without waiting; what is under way fails.
    func abandon() {
        refuseCalls()
        eventLoop.execute { self.finishClosing() }
    }

    /// False once it takes no more calls.
    var isUsable: Bool { incoming.withLock { !$0.isClosed } }

    private func refuseCalls() {
        incoming.withLock { $0.isClosed = true }
    }

    private static let closed = RedisError(.closed, "the Redis client is closed")

    // MARK: - The event loop: sending

    private func drain() {
        let backlog = waiting.count
        incoming.withLock { incoming in
            swap(&incoming.calls, &drained)
            incoming.isDrainDue = false
            incoming.backlog = backlog + drained.count
        }
        let now = NIODeadline.now()
        for call in drained {
            call.arrivedAt = now
            call.deadline = now + TimeAmount(call.timeout)
            waiting.append(call)
            watch(call)
        }
        drained.removeAll(keepingCapacity: true)
        guard !state.isClosed else {
            failWaiting(lastError.map { Self.reason($0) } ?? Self.closed)
            return
        }
        if state.wanted() == .connect { connector.connect(on: eventLoop, owner: self) }
        pump()
    }

    private func pump() {
        // Writing can call back at once, with room for more or with the loss of the link. So
        // only one turn pumps at a time, and it looks at the link anew for every write.
        guard !isPumping else { return }
        isPumping = true
        defer { isPumping = false }
        let now = NIODeadline.now()
        while let link, link.isWritable, gather(now) {
            link.write(outgoing)
            outgoing.clear()
        }
        if outgoing.capacity > 2 * Self.writeBytes { outgoing = ByteBuffer() }
        // Only a backlog can make the count stale; an empty line is worth no lock.
        if !waiting.isEmpty { noteBacklog() }
    }

    /// Moves calls from the line into `outgoing`.
    ///
    /// False if there was nothing to move.
    private func gather(_ now: NIODeadline) -> Bool {
        while let call = waiting.first, outgoing.readableBytes < Self.writeBytes {
            let room = configuration.commandsInFlight - repliesAwaited
            guard call.replies <= room || repliesAwaited == 0 else { break }
            waiting.removeFirst()
            guard epoch.permits(call.epoch) else {
                call.fail(.epochOver)
                continue
            }
            guard call.markSent(now, into: &outgoing) else { continue }
            inFlight.append(call)
            repliesAwaited += call.replies
        }
        return outgoing.readableBytes > 0
    }

    private func noteBacklog() {
        let backlog = waiting.count
        incoming.withLock { $0.backlog = backlog }
    }

    // MARK: - The event loop: what the link says

    func linkReady(_ link: RedisLink) {
        guard !state.isClosed else {
            link.close(Self.closed)
            return
        }
        self.link = link
        readyAt = .now()
        refusal = nil
        if epoch.greeted(by: link.identity) { turnedAway(lostAt) }
        if lastError != nil { logger.info("connected to Redis again") }
        lastError = nil
        state.greeted()
        metrics.connected()
        pump()
    }

    var asksIdentity: Bool { epoch.asksIdentity }

    func linkOpened() {
        isOpen = true
    }

    func linkReceived(_ reply: RedisValue) {
        guard let call = inFlight.first else {
            link?.close(
                RedisError(.protocolViolation, "Redis sent a reply to no command"))
            return
        }
        if let error = reply.error, error.turnsAway { refusal = error }
        guard call.receive(reply) else { return }
        inFlight.removeFirst()
        repliesAwaited -= call.replies
        metrics.answered(call)
    }

    func linkFinishedReading() {
        metrics.flush()
        if let refusal { return turnAway(refusal) }
        if !waiting.isEmpty { pump() }
        if closing != nil, inFlight.isEmpty, waiting.isEmpty { finishClosing() }
    }

    func linkWritable() {
        pump()
    }

    /// Leaves a server that is not the one to write to: its address may lead elsewhere by now.
    private func turnAway(_ refusal: RedisError) {
        self.refusal = nil
        guard let link else { return }
        state.turnAway()
        link.close(
            RedisError(
                .connectionLost, "Redis is not the server to write to", cause: refusal))
        turnedAway(.now())
    }

    func linkLost(_ error: RedisError) {
        let wasReady = link != nil
        if wasReady { metrics.disconnected() }
        let held: TimeAmount = wasReady ? .now() - readyAt : .zero
        link = nil
        isOpen = false
        // Patience begins with the loss, not with every attempt that fails after it.
        if lastError == nil { lostAt = NIODeadline.now() }
        lastError = error.isReplyTooLarge ? Self.brokenByAnother : error
        let lost = inFlight
        inFlight = []
        repliesAwaited = 0
        // The reply that broke it was the first call's; it says nothing of the others.
        lost.first?.fail(Self.reason(error))
        let others = Self.reason(lastError ?? error)
        for call in lost.dropFirst() { call.fail(others) }
        guard closing == nil else {
            finishClosing()
            return
        }
        var random = SystemRandomNumberGenerator()
        switch state.lost(after: .nanoseconds(held.nanoseconds), &random) {
        case .pause(let delay): reconnect(after: delay, error, wasReady: wasReady)
        case .stop:
            refuseCalls()
            failWaiting(Self.reason(error))
        case .none, .connect: break
        }
        for call in waiting { watch(call) }
    }

    private func reconnect(after delay: Duration, _ error: RedisError, wasReady: Bool) {
        let level: Logger.Level = state.failures == 1 ? .warning : .debug
        logger.log(
            level: level, wasReady ? "lost the connection to Redis" : "no connection to Redis",
            metadata: [
                "error": "\(error.debugDescription)", "attempt": .stringConvertible(state.failures),
            ])
        metrics.reconnecting()
        eventLoop.scheduleTask(in: TimeAmount(delay)) {
            guard self.state.pauseOver() == .connect else { return }
            self.connector.connect(on: self.eventLoop, owner: self)
        }
    }

    /// What whoever asked for something else is told.
    private static let brokenByAnother = RedisError(
        .connectionLost, "a reply to another call was too large", outcome: .unknown)

    /// What callers are told.
    ///
    /// An answer such as WRONGPASS says more than "no connection".
    private static func reason(_ error: RedisError) -> RedisError {
        switch error.code {
        case .connectionLost, .protocolViolation, .closed, .invalidConfiguration: error
        default:
            error.retry == .never
                ? error
                : RedisError(
                    .connectionLost,
                    error.code == .timedOut ? error.message : "Redis is not ready", cause: error)
        }
    }

    // MARK: - The event loop: time

    /// When the call ends by itself if nothing else happens.
    private func end(of call: PendingCall) -> NIODeadline {
        guard !state.isReady else { return call.deadline }
        // The very first attempt may take its time; after a failure callers want to know soon.
        let patience = lastError == nil ? connectTimeout : disconnectedWait
        return min(call.deadline, max(call.arrivedAt, lostAt) + patience)
    }

    private func watch(_ call: PendingCall) {
        setTimer(end(of: call))
    }

    private func setTimer(_ due: NIODeadline) {
        guard due < timerDue else { return }
        timer?.cancel()
        timerDue = due
        timer = eventLoop.scheduleTask(deadline: due) { self.checkTime() }
    }

    private func checkTime() {
        timerDue = .distantFuture
        timer = nil
        let now = NIODeadline.now()
        var next = NIODeadline.distantFuture
        for call in inFlight where !call.isFinished {
            if call.deadline <= now {
                call.fail(RedisError(.timedOut, "Redis did not answer in time"))
            } else {
                next = min(next, call.deadline)
            }
        }
        waiting.removeAll { call in
            guard !call.isFinished else { return true }
            let end = end(of: call)
            if end <= now { call.fail(timeoutReason(call, now)) }
            if end > now { next = min(next, end) }
            return end <= now
        }
        noteBacklog()
        if let oldest = inFlight.first {
            let limit = oldest.sentAt + max(replyLimit, TimeAmount(oldest.timeout) * 2)
            if limit <= now {
                link?.close(RedisError(.connectionLost, "a reply is long overdue"))
            } else {
                next = min(next, limit)
            }
        }
        setTimer(next)
    }

    private func timeoutReason(_ call: PendingCall, _ now: NIODeadline) -> RedisError {
        if call.deadline <= now, state.isReady {
            return RedisError(.timedOut, "a command waited too long for its turn")
        }
        return lastError.map { Self.reason($0) } ?? (isOpen ? Self.mute : Self.unconnected)
    }

    private static let unconnected = RedisError(
        .connectionLost, "Redis cannot be reached: the connect takes too long")

    private static let mute = RedisError(
        .connectionLost, "Redis takes the connection and does not answer",
        cause: RedisError(.timedOut, "Redis does not answer the greeting"))

    // MARK: - The event loop: the end

    private func beginClosing(_ promise: EventLoopPromise<Void>) {
        if let closing {
            closing.futureResult.cascade(to: promise)
            return
        }
        closing = promise
        drain()
        guard !inFlight.isEmpty || !waiting.isEmpty, state.isReady else {
            finishClosing()
            return
        }
        eventLoop.scheduleTask(in: .seconds(1)) { self.finishClosing() }
    }

    private func finishClosing() {
        guard state.close() else {
            closing?.succeed(())
            return
        }
        timer?.cancel()
        timer = nil
        failWaiting(Self.closed)
        link?.close(Self.closed)
        closing?.succeed(())
    }

    private func failWaiting(_ error: RedisError) {
        let calls = waiting
        waiting = []
        for call in calls { call.fail(error) }
    }
}

extension RedisError {
    /// What a continuation resumed with: always one of ours.
    init(thrown error: any Error) {
        self =
            (error as? RedisError)
            ?? RedisError(.unexpectedReply, "an unexpected error", outcome: .unknown, cause: error)
    }
}
