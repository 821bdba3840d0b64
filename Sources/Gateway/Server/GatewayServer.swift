public import Logging
import NIOCore
import NIOPosix
import Observability
public import ServiceLifecycle
import Synchronization

/// The gateway as a service: listens, answers, and drains when it is told to stop.
public final class GatewayServer: Service {
    private let configuration: GatewayConfiguration
    private let cache: ResponseCache
    private let grace: Duration
    private let notice = StopNotice()
    private let logger: Logger
    private let onRunning: @Sendable (Int) -> Void

    /// A gateway that begins to listen when it is run.
    ///
    /// - Parameters:
    ///   - cache: kept answers; whoever feeds it events holds it too.
    ///   - grace: how long a graceful stop goes on accepting requests before it closes the port.
    ///   - onRunning: is told the port once connections are accepted.
    public init(
        configuration: GatewayConfiguration, cache: ResponseCache, grace: Duration = .zero,
        logger: Logger, onRunning: @escaping @Sendable (Int) -> Void = { _ in }
    ) {
        self.configuration = configuration
        self.cache = cache
        self.grace = grace
        self.logger = logger
        self.onRunning = onRunning
    }

    /// From here on each answer is the last of its connection.
    ///
    /// A graceful shutdown does the same; call it where others are told of a stop before.
    public func announceStop() { notice.give() }

    /// Serves until graceful shutdown or cancellation, then lets answers under way go out.
    ///
    /// From the shutdown on, each answer is the last of its connection; for the time of the
    /// grace new ones are accepted.
    ///
    /// - Throws: `cannotListen` if the port is taken.
    public func run() async throws {
        let threads = configuration.server.eventLoops ?? System.coreCount
        let loops = MultiThreadedEventLoopGroup(numberOfThreads: threads)
        do {
            // Work that outlives its time goes on using its event loop, which must not be gone.
            guard try await serve(on: loops) else { return }
        } catch {
            try? await loops.shutdownGracefully()
            throw error
        }
        try? await loops.shutdownGracefully()
    }

    /// Returns whether nothing uses the event loops any more.
    private func serve(on loops: MultiThreadedEventLoopGroup) async throws -> Bool {
        let eventLoops = Array(loops.makeIterator())
        let upstreams = UpstreamDirectory(
            configuration.upstreams, eventLoops: eventLoops, logger: logger)
        let phases = try RequestPhases(
            configuration, cache: cache, upstreams: upstreams, logger: logger)
        let groups = ConnectionGroups(
            phases, configuration.server, notice, limit: allowedConnections(eventLoops.count),
            eventLoops: eventLoops)
        let listener = try await listen(on: loops, groups)
        upstreams.start()
        groups.start()
        let port = listener.localAddress?.port ?? configuration.server.port
        logger.info(
            "gateway listens",
            metadata: ["host": "\(configuration.server.host)", "port": .stringConvertible(port)])
        onRunning(port)
        try? await gracefulShutdown()
        announceStop()
        try? await Task.sleep(for: grace)
        try? await listener.close().get()
        await groups.drain(within: configuration.server.drainTimeout)
        upstreams.stop()
        let isQuiet = await becomesQuiet(groups, upstreams, phases)
        await phases.settleChanges(within: Self.settling)
        logger.info("gateway stopped")
        return isQuiet
    }

    /// Waits for tasks whose requests were cut off; they end when their calls do.
    private func becomesQuiet(
        _ groups: ConnectionGroups, _ upstreams: UpstreamDirectory, _ phases: RequestPhases
    ) async -> Bool {
        let clock = ContinuousClock()
        let end = clock.now + Self.afterwork
        while groups.tasks.isBusy || upstreams.calls.isBusy || phases.changes.isBusy {
            guard clock.now < end else { return false }
            // Also when cancelled: it is a short wait, and those waited for are cancelled too.
            await Task.detached { try? await Task.sleep(for: .milliseconds(5)) }.value
        }
        return true
    }

    private static let afterwork = Duration.milliseconds(500)
    /// Time for changes that the second level has not heard of.
    private static let settling = Duration.seconds(1)

    /// As many connections as there may be descriptors for.
    private func allowedConnections(_ eventLoops: Int) -> Int {
        let descriptors = DescriptorLimit.raise()
        let allowance = ConnectionAllowance(
            wanted: configuration.server.connections,
            upstreams: configuration.upstreams.reduce(0) { sum, upstream in
                sum + upstream.targets.count * upstream.connections * eventLoops
            }, descriptors: descriptors)
        if let descriptors, allowance.connections < configuration.server.connections {
            logger.warning(
                "gateway accepts fewer connections than its configuration allows; raise ulimit -n",
                metadata: [
                    "configured": .stringConvertible(configuration.server.connections),
                    "accepted": .stringConvertible(allowance.connections),
                    "descriptors": .stringConvertible(descriptors),
                    "descriptors_needed": .stringConvertible(allowance.needed),
                ])
        }
        return allowance.connections
    }

    private func listen(
        on loops: MultiThreadedEventLoopGroup, _ groups: ConnectionGroups
    ) async throws(GatewayError) -> any Channel {
        let server = configuration.server
        do {
            return try await ServerBootstrap(group: loops)
                .serverChannelOption(.backlog, value: 1024)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .serverChannelInitializer { [logger] in AcceptPause.add(to: $0, logger: logger) }
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                .childChannelOption(.allowRemoteHalfClosure, value: true)
                // One read for each wake-up: a second would find the socket empty.
                .childChannelOption(.maxMessagesPerRead, value: 1)
                .childChannelInitializer { groups.accept($0) }
                .bind(host: server.host, port: server.port).get()
        } catch {
            throw GatewayError(
                .cannotListen,
                "\(UpstreamTarget(host: server.host, port: server.port).authority) "
                    + "cannot be listened on", cause: error, retry: true)
        }
    }
}

/// The connections of all event loops.
private final class ConnectionGroups: Sendable {
    private let groups: [ObjectIdentifier: NIOLoopBoundBox<ConnectionGroup>]
    private let eventLoops: [any EventLoop]
    private let limit: Int
    private let open = Atomic<Int>(0)
    /// Tasks that answer requests.
    let tasks: TaskTally

    init(
        _ phases: RequestPhases, _ configuration: ServerConfiguration, _ notice: StopNotice,
        limit: Int, eventLoops: [any EventLoop]
    ) {
        self.eventLoops = eventLoops
        self.limit = limit
        let tasks = TaskTally()
        self.tasks = tasks
        let unsent = UnsentLedger(limit: configuration.unsentLimit, loops: eventLoops.count)
        groups = Dictionary(
            uniqueKeysWithValues: eventLoops.enumerated().map { place, loop in
                let group = ConnectionGroup(
                    phases, configuration, notice, tasks: tasks, unsent: unsent, place: place,
                    eventLoop: loop)
                return (ObjectIdentifier(loop), .makeBoxSendingValue(group, eventLoop: loop))
            })
    }

    func accept(_ channel: any Channel) -> EventLoopFuture<Void> {
        guard let box = groups[ObjectIdentifier(channel.eventLoop)] else {
            return channel.close()
        }
        let isWithinLimit = open.add(1, ordering: .relaxed).newValue <= limit
        channel.closeFuture.whenComplete { _ in self.open.subtract(1, ordering: .relaxed) }
        return channel.eventLoop.makeCompletedFuture {
            let group = box.value
            guard isWithinLimit, !group.isDraining else {
                channel.close(promise: nil)
                return
            }
            SendBacklog.limit(of: channel, sendBuffer: group.configuration.sendBuffer)
            let identity = ConnectionIdentity(channel)
            try channel.pipeline.syncOperations.addHandler(ConnectionHandler(group, identity))
        }
    }

    func start() {
        for loop in eventLoops {
            guard let box = groups[ObjectIdentifier(loop)] else { continue }
            loop.execute { box.value.start() }
        }
    }

    /// Waits until all connections have ended, or closes what is left when the time is over.
    func drain(within limit: Duration) async {
        let drained = eventLoops.compactMap { loop -> EventLoopFuture<Void>? in
            guard let box = groups[ObjectIdentifier(loop)] else { return nil }
            let timeout = loop.scheduleTask(in: TimeAmount(limit)) { box.value.stop() }
            let ended = loop.flatSubmit { box.value.drain() }
            ended.whenComplete { _ in
                timeout.cancel()
                box.value.stop()
            }
            return ended
        }
        for ended in drained { try? await ended.get() }
    }
}
