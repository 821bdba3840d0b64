import DequeModule
import Logging
import NIOCore
import Synchronization

/// Lends connections, a limited number at a time.
///
/// Callers over the limit wait in line.
final class LeasePool: Sendable {
    private struct Line {
        var idle: [CommandConnection] = []
        var lent = 0
        var waiting = Deque<(id: Int, continuation: UnsafeContinuation<Bool, Never>)>()
        var cancelled: Set<Int> = []
        var isClosed = false
    }

    private let connector: RedisConnector
    private let group: any EventLoopGroup
    private let metrics: RedisMetrics
    private let logger: Logger
    private let line = Mutex(Line())
    private let nextID = Atomic(0)

    init(
        connector: RedisConnector, group: any EventLoopGroup, metrics: RedisMetrics,
        logger: Logger
    ) {
        self.connector = connector
        self.group = group
        self.metrics = metrics
        self.logger = logger
    }

    private var limit: Int { connector.configuration.leasedConnections }

    /// Waits for a free place and takes a connection.
    func take() async throws(RedisError) -> RedisLease {
        let id = nextID.add(1, ordering: .relaxed).newValue
        let isAdmitted = await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in enter(id, continuation) }
        } onCancel: {
            leave(id)
        }
        line.withLock { _ = $0.cancelled.remove(id) }
        guard isAdmitted else {
            throw line.withLock(\.isClosed)
                ? RedisError(.closed, "the Redis client is closed")
                : RedisError(.cancelled, "the call was cancelled")
        }
        let connection =
            takeIdle()
            ?? CommandConnection(
                connector: connector, eventLoop: group.next(), metrics: metrics, logger: logger,
                comesBack: false)
        return RedisLease(connection, commandTimeout: connector.configuration.commandTimeout)
    }

    /// A connection that waits for its next use; one that was lost meanwhile is of none.
    private func takeIdle() -> CommandConnection? {
        line.withLock { line in
            while let connection = line.idle.popLast() {
                if connection.isUsable { return connection }
            }
            return nil
        }
    }

    private func enter(_ id: Int, _ continuation: UnsafeContinuation<Bool, Never>) {
        let isAdmitted = line.withLock { line -> Bool? in
            if line.isClosed || line.cancelled.remove(id) != nil { return false }
            guard line.lent >= limit else {
                line.lent += 1
                return true
            }
            line.waiting.append((id, continuation))
            return nil
        }
        if let isAdmitted { continuation.resume(returning: isAdmitted) }
    }

    private func leave(_ id: Int) {
        let continuation = line.withLock { line -> UnsafeContinuation<Bool, Never>? in
            guard let place = line.waiting.firstIndex(where: { $0.id == id }) else {
                line.cancelled.insert(id)
                return nil
            }
            return line.waiting.remove(at: place).continuation
        }
        continuation?.resume(returning: false)
    }

    /// Takes a lease back and lets the next caller in.
    func give(back lease: RedisLease) {
        let isReusable = lease.isClean && lease.released.isUsable
        let (next, isKept) = line.withLock { line in
            let isKept = isReusable && !line.isClosed
            if isKept { line.idle.append(lease.released) }
            let next = line.waiting.popFirst()?.continuation
            if next == nil { line.lent -= 1 }
            return (next, isKept)
        }
        if !isKept { lease.close() }
        next?.resume(returning: true)
    }

    /// Lets nobody in any more and closes what is idle; leases under way end by themselves.
    func close() {
        let (idle, waiting) = line.withLock { line in
            defer {
                line.isClosed = true
                line.idle = []
                line.waiting = []
            }
            return (line.idle, line.waiting)
        }
        for connection in idle { connection.abandon() }
        for place in waiting { place.continuation.resume(returning: false) }
    }
}
