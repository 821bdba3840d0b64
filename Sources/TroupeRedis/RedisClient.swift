public import Logging
public import NIOCore
public import NIOPosix
public import ServiceLifecycle
import Synchronization

// Which connection a call takes:
//
//   send, batch, evaluate ──▶ shared (1…4)    one line for all callers, one write for all waiting
//   branch                ──▶ its own         replies that may be large, and hold up nobody
//   withLease             ──▶ leased (0…n)    a socket of one's own: WATCH, blocking commands
//   subscribe             ──▶ subscriptions   one for all channels, resubscribed by itself

/// A client of one Redis server.
///
/// It connects when first used and reconnects by itself. While there is no connection, calls
/// fail within `disconnectedWait`. Commands of one task that awaits each call are executed in
/// order; cancelling a task ends its call at once and disturbs no other.
public final class RedisClient: Sendable {
    /// The settings in use.
    public let configuration: RedisConfiguration
    /// Runs tasks on the thread of the first shared connection, where its replies are read.
    ///
    /// For tasks that mostly wait for Redis, in great numbers: they need no other thread. One
    /// that computes for long holds up the connection and all others on its event loop, and that
    /// loop has to outlive them.
    public let executor: any TaskExecutor

    private let shared: [CommandConnection]
    private let leases: LeasePool
    private let epochs = EpochRegister()
    private let subscriptions: SubscriptionConnection
    private let branches = RedisBranches()
    private let makeBranch: @Sendable (_ replyBytesMaximum: Int) -> CommandConnection

    /// Makes a client.
    ///
    /// Nothing is opened yet, and `run()` is not needed for sending.
    ///
    /// - Parameters:
    ///   - configuration: where the server is. Settings that cannot work make every call fail
    ///     with `invalidConfiguration`.
    ///   - logger: gets one line when a connection is lost and one when it is back.
    ///   - eventLoopGroup: must be one of NIOPosix.
    public init(
        _ configuration: RedisConfiguration, logger: Logger,
        eventLoopGroup: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    ) {
        self.configuration = configuration
        let connector = RedisConnector(configuration)
        let metrics = RedisMetrics()
        let count = min(max(configuration.sharedConnections, 1), 4)
        let loops = (0..<count).map { _ in eventLoopGroup.next() }
        let subscriptions = SubscriptionConnection(
            connector: connector, eventLoop: loops[0], metrics: metrics, logger: logger)
        let shared = loops.map { [epochs] loop in
            CommandConnection(
                connector: connector, eventLoop: loop, metrics: metrics, logger: logger,
                epochs: epochs,
                turnedAway: { [weak subscriptions] in subscriptions?.moveOn(ifReadyBefore: $0) })
        }
        self.shared = shared
        self.subscriptions = subscriptions
        makeBranch = { [epochs] maximum in
            var configuration = configuration
            configuration.replyBytesMaximum = min(maximum, configuration.replyBytesMaximum)
            return CommandConnection(
                connector: RedisConnector(configuration), eventLoop: eventLoopGroup.next(),
                metrics: metrics, logger: logger, epochs: epochs)
        }
        executor = LoopExecutor(shared[0].eventLoop)
        leases = LeasePool(
            connector: connector, group: eventLoopGroup, metrics: metrics, logger: logger)
    }

    deinit {
        for connection in shared { connection.abandon() }
        for connection in branches.close() { connection.abandon() }
        leases.close()
        subscriptions.abandon()
    }

    /// Sends a command and waits for its reply.
    ///
    /// A read-only command is repeated once when its connection is lost under way.
    ///
    /// - Parameters:
    ///   - timeout: `commandTimeout` of the configuration unless given.
    ///   - epoch: the only one in which it may be sent; any unless given.
    /// - Throws: an error reply with its prefix as the code; otherwise what went wrong, whose
    ///   `outcome` says whether the command may have been executed.
    public func send(
        _ command: RedisCommand, timeout: Duration? = nil, in epoch: RedisEpoch? = nil
    ) async throws(RedisError) -> RedisValue {
        let connection = connection(for: command)
        let timeout = timeout ?? configuration.commandTimeout
        do {
            return try await connection.send(command, timeout: timeout, in: epoch)
        } catch {
            guard command.isReadOnly, error.code == .connectionLost, error.outcome == .unknown
            else { throw error }
            return try await connection.send(command, timeout: timeout, in: epoch)
        }
    }

    /// Sends commands in one write on one connection, nothing between them.
    ///
    /// - Throws: when nothing was sent or no reply came. After the first reply a loss shows
    ///   in the results that are missing.
    /// - Returns: one result for each command, in order; one failure hides no other.
    public func send(
        batch: [RedisCommand], timeout: Duration? = nil, in epoch: RedisEpoch? = nil
    ) async throws(RedisError) -> [Result<RedisValue, RedisError>] {
        guard let first = batch.first else { return [] }
        return try await connection(for: first)
            .send(batch: batch, timeout: timeout ?? configuration.commandTimeout, in: epoch)
    }

    /// Runs a script by its digest, and by its text if the server does not know it.
    ///
    /// - Throws: as `send`; an error raised in the script is an error reply.
    public func evaluate(
        _ script: RedisScript, keys: [String], arguments: [RedisArgument],
        timeout: Duration? = nil, in epoch: RedisEpoch? = nil
    ) async throws(RedisError) -> RedisValue {
        try await send(
            .evalsha(script, keys: keys, arguments: arguments),
            orInFull: .eval(script, keys: keys, arguments: arguments), timeout, epoch)
    }

    /// Runs a script with keys and arguments that are encoded already.
    ///
    /// With several shared connections all such scripts take the same one, and so keep their
    /// order.
    ///
    /// - Throws: as `send`; an error raised in the script is an error reply.
    public func evaluate(
        _ script: RedisScript, keys: RedisArguments, arguments: RedisArguments,
        timeout: Duration? = nil, in epoch: RedisEpoch? = nil
    ) async throws(RedisError) -> RedisValue {
        try await send(
            .evalsha(script, keys: keys, arguments: arguments),
            orInFull: .eval(script, keys: keys, arguments: arguments), timeout, epoch)
    }

    private func send(
        _ digest: RedisCommand, orInFull full: @autoclosure () -> RedisCommand,
        _ timeout: Duration?, _ epoch: RedisEpoch?
    ) async throws(RedisError) -> RedisValue {
        do {
            return try await send(digest, timeout: timeout, in: epoch)
        } catch {
            guard error.code == .server("NOSCRIPT") else { throw error }
            return try await send(full(), timeout: timeout, in: epoch)
        }
    }

    /// The epoch in which calls are sent now.
    ///
    /// Who keeps in memory what was read from the server asks before reading, and has whatever
    /// follows from it sent in the same epoch or not at all. From the first time that anybody asks,
    /// connections ask their server for INFO; one that refuses it counts as another server with
    /// each connection.
    public func followEpoch() -> RedisEpoch { epochs.follow() }

    /// Asks each shared connection whose data its server holds, and replaces those that lead to
    /// other data than the epoch is about.
    ///
    /// A server that follows another for a moment and leads again keeps its connections.
    public func checkEpoch() async {
        for connection in shared {
            await connection.checkIdentity(timeout: configuration.commandTimeout)
        }
        branches.followEpoch()
    }

    /// A connection beside the shared ones, on which a reply larger than the limit is an error of
    /// its own call alone.
    package func branch(replyBytesMaximum: Int) -> RedisBranch {
        let connection = makeBranch(replyBytesMaximum)
        branches.add(connection)
        return RedisBranch(connection, timeout: configuration.commandTimeout)
    }

    /// Lends a connection for as long as `body` runs, waiting in line for one if need be.
    ///
    /// - Parameter body: must not keep the lease.
    /// - Throws: what `body` throws; `RedisError` if no connection could be lent.
    package func withLease<Value>(
        isolation: isolated (any Actor)? = #isolation,
        _ body: (RedisLease) async throws -> Value
    ) async throws -> Value {
        let lease = try await leases.take()
        defer { leases.give(back: lease) }
        return try await body(lease)
    }

    /// Subscribes to channels and patterns.
    ///
    /// - Parameters:
    ///   - channels: exact names.
    ///   - patterns: glob patterns; never built from user input.
    ///   - buffer: what waits for a slow reader.
    /// - Returns: the events, beginning with `.active` once the server has confirmed.
    public func subscribe(
        channels: [String], patterns: [String] = [],
        buffer: RedisSubscription.Buffer = .bounded(4096)
    ) -> RedisSubscription {
        subscriptions.subscribe(channels: channels, patterns: patterns, buffer: buffer)
    }

    /// Takes no more commands, gives those under way a second, and closes all connections.
    public func shutdown() async {
        leases.close()
        await subscriptions.close()
        await withTaskGroup(of: Void.self) { group in
            for connection in shared + branches.close() {
                group.addTask { await connection.close() }
            }
        }
    }

    /// Commands with the same first key always take the same connection.
    private func connection(for command: RedisCommand) -> CommandConnection {
        shared.count == 1 ? shared[0] : shared[command.affinity % shared.count]
    }
}

extension RedisClient: Service {
    /// Looks once a second whether connections lead to the data that they did, until the service
    /// group shuts down gracefully; then closes the client.
    ///
    /// Who only reads would not notice that its server was demoted, and would read what is old.
    public func run() async throws {
        _ = followEpoch()
        await cancelWhenGracefulShutdown {
            while (try? await Task.sleep(for: .seconds(1))) != nil { await self.checkEpoch() }
        }
        await shutdown()
    }
}
