import DequeModule
import NIOCore
import NIOPosix

/// The connections of one event loop to one server of an upstream.
///
///     lease ─┬─ idle one, latest used first ───────────► connection
///            ├─ fewer than allowed are open: connect ──► connection
///            └─ wait in line, bounded ─────────────────► connection, or overloaded
///
/// Lives on its event loop. Who leases sets the time limit, and gives its place up by fulfilling
/// its own lease.
final class UpstreamPool {
    /// Somebody who waits for a connection.
    final class Lease {
        private var completion: ((Result<UpstreamConnection, UpstreamFailure>) -> Void)?

        init(_ completion: @escaping (Result<UpstreamConnection, UpstreamFailure>) -> Void) {
            self.completion = completion
        }

        var isOpen: Bool { completion != nil }

        /// Returns whether the connection was wanted.
        func fulfil(_ result: Result<UpstreamConnection, UpstreamFailure>) -> Bool {
            guard let completion else { return false }
            self.completion = nil
            completion(result)
            return true
        }
    }

    let target: UpstreamTarget
    private let configuration: UpstreamConfiguration
    private let eventLoop: any EventLoop
    private var idle: [UpstreamConnection] = []
    private var waiting: Deque<Lease> = []
    private var connections = 0
    /// While the server refuses connections, calls wait for those that are there.
    private var refusedUntil = NIODeadline.uptimeNanoseconds(0)
    private var isStopped = false

    private static let refusalTime = TimeAmount.seconds(1)

    init(target: UpstreamTarget, configuration: UpstreamConfiguration, eventLoop: any EventLoop) {
        self.target = target
        self.configuration = configuration
        self.eventLoop = eventLoop
    }

    // MARK: - Leases

    func serve(_ lease: Lease) {
        if isStopped {
            _ = lease.fulfil(.failure(.init(.stopped)))
        } else if let connection = idle.popLast() {
            _ = lease.fulfil(.success(connection))
        } else if serveNextWaiting(), mayConnect {
            connect(for: lease)
        } else if waiting.count < configuration.waiting {
            waiting.append(lease)
        } else {
            _ = lease.fulfil(.failure(.init(.overloaded)))
        }
    }

    private var mayConnect: Bool {
        connections < configuration.connections && (connections == 0 || refusedUntil < .now())
    }

    func connectionIsIdle(_ connection: UpstreamConnection) {
        while let lease = waiting.popFirst() {
            if lease.fulfil(.success(connection)) { return }
        }
        guard !isStopped else { return connection.abort(.init(.stopped)) }
        connection.idleSince = .now()
        idle.append(connection)
    }

    func connectionEnded(_ connection: UpstreamConnection) {
        idle.removeAll { $0 === connection }
        connections -= 1
        serveNextWaiting()
    }

    /// Connects for those who wait, in their order.
    ///
    /// - Returns: whether nobody waits any more.
    @discardableResult
    private func serveNextWaiting() -> Bool {
        while mayConnect, let lease = waiting.popFirst() {
            if lease.isOpen { connect(for: lease, wasWaiting: true) }
        }
        return waiting.isEmpty
    }

    // MARK: - Connecting

    private func connect(for lease: Lease, wasWaiting: Bool = false) {
        connections += 1
        let connection = UpstreamConnection(
            target: target,
            limits: .init(head: configuration.headerLimit, body: configuration.bodyLimit),
            pool: self)
        let bound = NIOLoopBound(connection, eventLoop: eventLoop)
        let connected = ClientBootstrap(group: eventLoop)
            .connectTimeout(TimeAmount(configuration.connectTimeout))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(bound.value)
                }
            }
            .connect(host: target.host, port: target.port)
        let pool = NIOLoopBound((self, lease), eventLoop: eventLoop)
        connected.hop(to: eventLoop).whenComplete { result in
            let (pool, lease) = pool.value
            switch result {
            case .success: pool.connected(bound.value, for: lease)
            case .failure(let error):
                pool.connectFailed("\(type(of: error))", for: lease, wasWaiting: wasWaiting)
            }
        }
    }

    private func connected(_ connection: UpstreamConnection, for lease: Lease) {
        if !lease.fulfil(.success(connection)) { connectionIsIdle(connection) }
    }

    private func connectFailed(_ detail: String, for lease: Lease, wasWaiting: Bool) {
        connections -= 1
        refusedUntil = .now() + Self.refusalTime
        // It waited for a connection that is up, and can go on doing so.
        if wasWaiting, connections > 0, lease.isOpen { return waiting.prepend(lease) }
        _ = lease.fulfil(.failure(.init(.unreachable, detail)))
        // Whoever waits is served by the connections that are left. Without any they would wait
        // in vain.
        guard connections == 0 else { return }
        while let next = waiting.popFirst() {
            _ = next.fulfil(.failure(.init(.unreachable, detail)))
        }
    }

    // MARK: - Upkeep

    /// Closes what has been idle for long, and connects again after a refusal; called about once a
    /// second.
    func sweep(_ now: NIODeadline) {
        let limit = TimeAmount(configuration.idleTimeout)
        let expired = idle.filter { $0.idleSince + limit < now }
        idle.removeAll { $0.idleSince + limit < now }
        for connection in expired { connection.abort(.init(.stopped)) }
        serveNextWaiting()
    }

    func stop() {
        isStopped = true
        for connection in idle { connection.abort(.init(.stopped)) }
        while let lease = waiting.popFirst() { _ = lease.fulfil(.failure(.init(.stopped))) }
    }
}
