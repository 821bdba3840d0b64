import Logging
import NIOCore
import Timekeeping
import TroupeRedis

/// Asks once whether a Redis is there, and what it is.
enum RedisProbe {
    enum Answer: Sendable {
        case answers(RedisFacts)
        case fails(Shortcoming)
    }

    static func ask(
        _ address: RedisAddress, within limit: Duration = .seconds(2), logger: Logger
    ) async -> Answer {
        let client = address.quietClient("troupe-probe", within: limit, logger: logger)
        let answer = await ask(client)
        await client.shutdown()
        return answer
    }

    static func ask(_ client: RedisClient) async -> Answer {
        do {
            var facts = try await facts(client)
            facts.clockDifference = try await clockDifference(client)
            await takeConfiguration(client, into: &facts)
            return .answers(facts)
        } catch {
            return .fails(Shortcoming(error))
        }
    }

    /// A user without INFO is told by the greeting what matters most.
    private static func facts(_ client: RedisClient) async throws(RedisError) -> RedisFacts {
        var facts = RedisFacts()
        do {
            facts.take(info: try await client.send(.info()).requireString())
        } catch {
            guard ["NOPERM", "ERR"].contains(error.code.serverPrefix) else { throw error }
            let hello = RedisCommand("HELLO", [], isReadOnly: true)
            let reply = HelloReply(.success(try await client.send(hello)))
            facts.mayReadInfo = false
            facts.version = reply.version ?? ""
            facts.isReplica = reply.isReplica
        }
        return facts
    }

    /// The server's clock when our question was half way there and back.
    private static func clockDifference(
        _ client: RedisClient
    ) async throws(RedisError) -> Duration? {
        let before = SystemTime.sinceEpoch()
        let reply: RedisValue
        do {
            reply = try await client.send(.time)
        } catch {
            guard error.code == .server("NOPERM") else { throw error }
            return nil
        }
        let after = SystemTime.sinceEpoch()
        guard let theirs = try? reply.time() else { return nil }
        return theirs - (before + after) / 2
    }

    /// A hosted Redis may refuse CONFIG; then `INFO` has to do.
    private static func takeConfiguration(
        _ client: RedisClient, into facts: inout RedisFacts
    ) async {
        do {
            facts.appendFsync = try await setting("appendfsync", client)
            facts.snapshots = try await setting("save", client)
        } catch {
            facts.mayReadConfiguration = false
        }
    }

    private static func setting(
        _ name: String, _ client: RedisClient
    ) async throws(RedisError) -> String {
        let pair = try await client.send(
            RedisCommand("CONFIG", ["GET", .string(name)], isReadOnly: true)
        ).strings()
        return pair.count == 2 ? pair[1] ?? "" : ""
    }
}
