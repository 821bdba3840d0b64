/// A connection of one's own, for WATCH and for commands that block.
///
/// It is valid inside the closure of `RedisClient.withLease` only. When its connection is
/// lost its commands fail from then on; it never reconnects by itself, because a WATCH or a
/// MULTI would be gone unnoticed.
package final class RedisLease: Sendable {
    private let connection: CommandConnection
    private let commandTimeout: Duration
    private let ledger = LeaseLedger()

    init(_ connection: CommandConnection, commandTimeout: Duration) {
        self.connection = connection
        self.commandTimeout = commandTimeout
    }

    /// Sends one command.
    ///
    /// Give blocking commands a time-out longer than they block.
    ///
    /// - Throws: `RedisError`; an error reply is thrown with its prefix as the code.
    package func send(
        _ command: RedisCommand, timeout: Duration? = nil
    ) async throws(RedisError) -> RedisValue {
        let ticket = ledger.begin(command.name)
        let value = try await connection.send(command, timeout: timeout ?? commandTimeout)
        ledger.end(ticket)
        return value
    }

    /// Sends commands in one piece, as `MULTI` … `EXEC` wants it.
    ///
    /// - Throws: `RedisError` when nothing was sent or no reply came.
    /// - Returns: one result for each command, in order.
    package func send(
        batch: [RedisCommand], timeout: Duration? = nil
    ) async throws(RedisError) -> [Result<RedisValue, RedisError>] {
        let tickets = batch.map { ledger.begin($0.name) }
        let results = try await connection.send(
            batch: batch, timeout: timeout ?? commandTimeout)
        for ticket in tickets { ledger.end(ticket) }
        return results
    }

    /// Whether the next holder would notice nothing of this one.
    var isClean: Bool { ledger.isClean }

    func close() {
        connection.abandon()
    }

    /// The connection, for the next lease.
    var released: CommandConnection { connection }
}
