import Logging
import NIOCore
import Synchronization

/// The one connection for all subscriptions of a client.
///
/// It is opened for the first subscription and kept, because a server in RESP2 takes hardly
/// any other command on it. A PING goes out with every heartbeat; silence is a loss.
final class SubscriptionConnection: LinkOwner, @unchecked Sendable {
    private let eventLoop: any EventLoop
    private let connector: RedisConnector
    private let metrics: RedisMetrics
    private let logger: Logger
    private let heartbeat: TimeAmount
    private let nextID = Atomic(0)

    // The event loop's.
    private var state: ConnectionState
    private var link: RedisLink?
    private var registry = SubscriptionRegistry()
    private var mailboxes: [SubscriptionRegistry.ID: WeakMailbox] = [:]
    private var readyAt = NIODeadline.uptimeNanoseconds(0)
    private var lastHeard = NIODeadline.uptimeNanoseconds(0)
    private var pulse: RepeatedTask?

    /// The mailbox belongs to its subscriber: when nobody reads it any more, it goes.
    private struct WeakMailbox {
        weak var mailbox: SubscriptionMailbox?
    }

    init(
        connector: RedisConnector, eventLoop: any EventLoop, metrics: RedisMetrics,
        logger: Logger
    ) {
        let configuration = connector.configuration
        self.connector = connector
        self.eventLoop = eventLoop
        self.metrics = metrics
        self.logger = logger
        heartbeat = TimeAmount(configuration.heartbeat)
        state = ConnectionState(
            comesBack: true,
            backoff: Backoff(
                minimum: configuration.reconnectDelayMinimum,
                maximum: configuration.reconnectDelayMaximum))
    }

    /// Registers a subscriber; its first event comes when the server has confirmed it.
    func subscribe(
        channels: [String], patterns: [String], buffer: RedisSubscription.Buffer
    ) -> RedisSubscription {
        let id = nextID.add(1, ordering: .relaxed).newValue
        let mailbox = SubscriptionMailbox(buffer)
        let topics =
            channels.map { SubscriptionRegistry.Topic.channel($0) }
            + patterns.map { SubscriptionRegistry.Topic.pattern($0) }
        mailbox.whenCancelled { [weak self, eventLoop] in
            eventLoop.execute { [weak self] in self?.remove(id) }
        }
        eventLoop.execute { self.add(id, topics, WeakMailbox(mailbox: mailbox)) }
        return RedisSubscription(mailbox)
    }

    /// Ends all subscriptions and closes.
    func close() async {
        try? await eventLoop.submit { self.stop() }.get()
    }

    /// Like `close`, without waiting.
    func abandon() {
        eventLoop.execute { self.stop() }
    }

    /// Connects anew if it is connected since before that moment: another connection learnt that
    /// the address leads to another server, or to none to write to.
    func moveOn(ifReadyBefore moment: NIODeadline) {
        eventLoop.execute {
            guard self.readyAt < moment else { return }
            self.link?.close(
                RedisError(.connectionLost, "Redis is not the server to write to"))
        }
    }

    // MARK: - The event loop

    private func add(
        _ id: SubscriptionRegistry.ID, _ topics: [SubscriptionRegistry.Topic], _ box: WeakMailbox
    ) {
        guard !state.isClosed else {
            box.mailbox?.end()
            return
        }
        mailboxes[id] = box
        let (requests, isActive) = registry.add(id, topics)
        write(requests)
        if isActive { box.mailbox?.push(.active) }
        if state.wanted() == .connect { connector.connect(on: eventLoop, owner: self) }
    }

    private func remove(_ id: SubscriptionRegistry.ID) {
        mailboxes[id] = nil
        write(registry.remove(id))
    }

    private func stop() {
        guard state.close() else { return }
        pulse?.cancel()
        let all = mailboxes
        mailboxes = [:]
        for box in all.values { box.mailbox?.end() }
        link?.close(RedisError(.closed, "the Redis client is closed"))
    }

    private func write(_ requests: [SubscriptionRegistry.Request]) {
        guard let link, !requests.isEmpty else { return }
        var buffer = ByteBuffer()
        for request in requests { buffer.writeBytes(Self.command(request).encoded) }
        link.write(buffer)
    }

    private static func command(_ request: SubscriptionRegistry.Request) -> RedisCommand {
        var isPattern = false
        let names = request.topics.map { topic -> RedisArgument in
            switch topic {
            case .channel(let name):
                return .string(name)
            case .pattern(let name):
                isPattern = true
                return .string(name)
            }
        }
        let verb = request.isSubscribe ? "SUBSCRIBE" : "UNSUBSCRIBE"
        return RedisCommand(isPattern ? "P" + verb : verb, names)
    }

    private func beat() {
        guard let link else { return }
        guard NIODeadline.now() - lastHeard < heartbeat * 2 else {
            link.close(RedisError(.connectionLost, "the subscription connection is silent"))
            return
        }
        link.write(ByteBuffer(bytes: Self.ping))
        write(registry.askAgain())
    }

    private static let ping = RedisCommand("PING", []).encoded

    // MARK: - The event loop: what the link says

    var asksIdentity: Bool { false }

    func linkOpened() {}

    func linkReady(_ link: RedisLink) {
        guard !state.isClosed else {
            link.close(RedisError(.closed, "the Redis client is closed"))
            return
        }
        self.link = link
        state.greeted()
        metrics.connected()
        readyAt = .now()
        lastHeard = readyAt
        pulse = eventLoop.scheduleRepeatedTask(
            initialDelay: heartbeat, delay: heartbeat
        ) { _ in self.beat() }
        write(registry.connected())
    }

    func linkReceived(_ reply: RedisValue) {
        if let error = reply.error {
            // Of what is sent here only the PING can be refused for want of room on a disk.
            if error.code != .server("MISCONF") { refuse(error) }
            return
        }
        guard let parts = reply.array, let kind = parts.first?.string else { return }
        switch (kind, parts.count) {
        case ("message", 3):
            deliver(.channel(parts[1].string ?? ""), parts[1], nil, parts[2])
        case ("pmessage", 4):
            deliver(.pattern(parts[1].string ?? ""), parts[2], parts[1], parts[3])
        case ("subscribe", 3), ("unsubscribe", 3), ("psubscribe", 3), ("punsubscribe", 3):
            confirm()
        default:
            break
        }
    }

    func linkFinishedReading() {
        lastHeard = .now()
    }

    func linkWritable() {}

    func linkLost(_ error: RedisError) {
        let wasReady = link != nil
        if wasReady { metrics.disconnected() }
        let held: TimeAmount = wasReady ? .now() - readyAt : .zero
        link = nil
        pulse?.cancel()
        pulse = nil
        for id in registry.disconnected() { mailboxes[id]?.mailbox?.push(.interrupted) }
        var random = SystemRandomNumberGenerator()
        let action = state.lost(after: .nanoseconds(held.nanoseconds), &random)
        guard case .pause(let delay) = action else { return }
        let level: Logger.Level = state.failures == 1 ? .warning : .debug
        logger.log(
            level: level,
            wasReady
                ? "lost the subscription connection to Redis"
                : "no subscription connection to Redis",
            metadata: [
                "error": "\(error.debugDescription)", "attempt": .stringConvertible(state.failures),
            ])
        metrics.reconnecting()
        eventLoop.scheduleTask(in: TimeAmount(delay)) {
            guard self.state.pauseOver() == .connect else { return }
            self.connector.connect(on: self.eventLoop, owner: self)
        }
    }

    private func confirm() {
        guard let active = registry.confirmed() else {
            link?.close(RedisError(.protocolViolation, "Redis confirmed what nobody asked for"))
            return
        }
        for id in active { mailboxes[id]?.mailbox?.push(.active) }
    }

    private func refuse(_ error: RedisError) {
        switch registry.refused() {
        case .retry(let requests):
            write(requests)
        case .final(let topics, let isNews):
            logger.log(
                level: isNews ? .error : .debug, "Redis refused a subscription",
                metadata: [
                    "error": "\(error)",
                    "topics": "\(topics.map(\.name).joined(separator: ", "))",
                ])
        case nil:
            link?.close(error)
        }
    }

    private func deliver(
        _ topic: SubscriptionRegistry.Topic, _ channel: RedisValue, _ pattern: RedisValue?,
        _ payload: RedisValue
    ) {
        let subscribers = registry.subscribers(of: topic)
        guard !subscribers.isEmpty, let channel = channel.string else { return }
        let message = RedisMessage(
            channel: channel, pattern: pattern?.string, payload: payload.buffer ?? ByteBuffer())
        for id in subscribers { mailboxes[id]?.mailbox?.push(.message(message)) }
    }
}
