import Logging
import TroupeRedis

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
            // Every user may say this, also one whose rights are too few for anything else.
            let hello = RedisCommand("HELLO", [], isReadOnly: true)
            let reply = HelloReply(.success(try await client.send(hello, timeout: .seconds(3))))
            guard let shortcoming = reply.shortcoming, shortcoming.isForeign else { return client }
            throw failure(shortcoming, at: address)
        } catch let error as RedisError {
            throw await failure(error, of: client, as: role, at: address)
        } catch let failure as CommandFailure {
            throw failure
        } catch {
            throw CommandFailure(.failure, "\(error)")
        }
    }

    /// Does something with such a client, which it has no longer than that.
    ///
    /// What Redis answers is told for somebody at a terminal; what else is thrown stays as it is.
    static func with<Value: Sendable>(
        _ address: RedisAddress, as role: RedisRole, logger: Logger,
        _ body: (RedisClient) async throws -> Value
    ) async throws -> Value {
        let client = try await open(address, as: role, logger: logger)
        let value: Value
        do {
            value = try await body(client)
        } catch let error as RedisError {
            throw await failure(error, of: client, as: role, at: address)
        } catch {
            await client.shutdown()
            throw error
        }
        await client.shutdown()
        return value
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
        let shortcoming = Shortcoming(error)
        let remedy: String
        switch shortcoming {
        case .silent: remedy = "troupe up, or name another Redis with --redis"
        case .odd where error.code == .server("NOPERM"):
            remedy = "troupe doctor, which names the rights that are missing"
        default: return failure(shortcoming, at: address)
        }
        return CommandFailure(
            .unreachable, "Redis at \(address.shown): \(error.message)", remedy: remedy)
    }
}
