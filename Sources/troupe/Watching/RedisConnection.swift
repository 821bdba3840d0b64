import Logging
import Redis

/// A client for one command's work, known to be connected.
enum RedisConnection {
    static func open(
        _ address: RedisAddress, logger: Logger
    ) async throws(CommandFailure) -> RedisClient {
        var configuration = address.configuration
        configuration.clientName = "troupe-cli"
        let client = RedisClient(configuration, logger: logger)
        do {
            _ = try await client.send(.ping, timeout: .seconds(3))
            return client
        } catch {
            throw failure(error, at: address)
        }
    }

    /// What a Redis error means for somebody at a terminal.
    static func failure(_ error: RedisError, at address: RedisAddress) -> CommandFailure {
        let remedy: String =
            error.code.serverPrefix == nil
            ? "troupe up, or name another Redis with --redis"
            : "--redis redis://user:password@host:port"
        return CommandFailure(
            .unreachable, "Redis at \(address.shown): \(error.message)", remedy: remedy)
    }
}
