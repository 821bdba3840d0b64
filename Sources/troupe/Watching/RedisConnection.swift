import Logging
import Redis

/// A client for one command's work, known to be connected.
enum RedisConnection {
    /// - Parameter role: what the client is going to do, to say what right is missing.
    static func open(
        _ address: RedisAddress, as role: RedisRole, logger: Logger
    ) async throws(CommandFailure) -> RedisClient {
        var configuration = address.configuration
        configuration.clientName = "troupe-cli"
        let client = RedisClient(configuration, logger: logger)
        do {
            _ = try await client.send(.ping, timeout: .seconds(3))
            return client
        } catch {
            throw await failure(error, of: client, as: role, at: address)
        }
    }

    /// The same for somebody who is connected and may not do everything.
    static func failure(
        _ error: RedisError, of client: RedisClient, as role: RedisRole, at address: RedisAddress
    ) async -> CommandFailure {
        guard error.code == .server("NOPERM"),
            let shortcoming = await WatchingRights.shortcoming(of: client, as: role)
        else { return failure(error, at: address) }
        return failure(shortcoming, at: address)
    }

    static func failure(_ shortcoming: Shortcoming, at address: RedisAddress) -> CommandFailure {
        CommandFailure(
            .unreachable, "Redis at \(address.shown): \(shortcoming.what)",
            remedy: shortcoming.remedy(on: address.configuration))
    }

    /// What a Redis error means for somebody at a terminal.
    static func failure(_ error: RedisError, at address: RedisAddress) -> CommandFailure {
        let remedy: String =
            switch error.code.serverPrefix {
            case nil: "troupe up, or name another Redis with --redis"
            case "NOPERM": "troupe doctor, which names the rights that are missing"
            case .some: "--redis redis://user:password@host:port"
            }
        return CommandFailure(
            .unreachable, "Redis at \(address.shown): \(error.message)", remedy: remedy)
    }
}
