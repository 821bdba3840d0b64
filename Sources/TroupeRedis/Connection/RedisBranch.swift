import Synchronization

/// A connection of a client beside those that all callers share, for replies that may be large.
///
/// What is lost on it, or comes late, is so for nobody else: it has a limit of its own, and is
/// made again after a reply that exceeds it or does not come in time. It is opened when first
/// used, and lives until the client is shut down or nobody holds it any more.
package final class RedisBranch: Sendable {
    private let connection: CommandConnection
    private let timeout: Duration

    init(_ connection: CommandConnection, timeout: Duration) {
        self.connection = connection
        self.timeout = timeout
    }

    deinit { connection.abandon() }

    /// Sends a command and waits for its reply, as the client does.
    ///
    /// - Throws: as the client; `isReplyTooLarge` says that the reply exceeds the limit.
    package func send(
        _ command: RedisCommand, in epoch: RedisEpoch? = nil
    ) async throws(RedisError) -> RedisValue {
        do {
            return try await connection.send(command, timeout: timeout, in: epoch)
        } catch {
            if error.code == .timedOut, error.outcome == .unknown { connection.giveUpOverdue() }
            throw error
        }
    }

    /// Runs a script by its digest, and by its text if the server does not know it.
    package func evaluate(
        _ script: RedisScript, keys: [String], arguments: [RedisArgument],
        in epoch: RedisEpoch? = nil
    ) async throws(RedisError) -> RedisValue {
        do {
            return try await send(
                .evalsha(script, keys: keys, arguments: arguments), in: epoch)
        } catch {
            guard error.code == .server("NOSCRIPT") else { throw error }
            return try await send(.eval(script, keys: keys, arguments: arguments), in: epoch)
        }
    }
}

/// The branches of one client.
final class RedisBranches: Sendable {
    private struct State {
        var all: [CommandConnection] = []
        var isClosed = false
    }

    private let state = Mutex(State())

    /// Counts a connection in; one of a client that is shut down takes no calls.
    func add(_ connection: CommandConnection) {
        let isClosed = state.withLock { state in
            state.all.removeAll { !$0.isUsable }
            if !state.isClosed { state.all.append(connection) }
            return state.isClosed
        }
        if isClosed { connection.abandon() }
    }

    /// Leaves servers whose data is not what the present epoch is about.
    func followEpoch() {
        for connection in state.withLock({ $0.all }) { connection.followEpoch() }
    }

    /// Closes all, now and from now on.
    func close() -> [CommandConnection] {
        state.withLock { state in
            state.isClosed = true
            defer { state.all = [] }
            return state.all
        }
    }
}
