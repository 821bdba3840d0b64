import Logging
import ServiceLifecycle
import TroupeRedis

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Says on a Redis whose companies the orders of a system are settled with, while `up` runs there.
///
///     saga:{sandbox}:claim   string   "<host> <data folder>", and on a line of its own which
///                                     process it is; for 15 s, renewed every 5
///
/// Two systems of one name would share streams and groups, and each would have the other's charges
/// refunded by a company that does not know them. One that died leaves its claim for a moment; in
/// the same folder it starts again at once.
final class SystemClaim: Service {
    private static let life = 15
    private static let pause = Duration.seconds(5)

    static func key(_ namespace: String?) -> String {
        (namespace.map { $0 + ":" } ?? "") + "saga:{sandbox}:claim"
    }

    private let redis: RedisClient
    private let key: String
    private let holder: String
    /// The holder, and this process.
    private let claim: String
    private let logger: Logger

    /// Takes it.
    ///
    /// - Throws: a failure that says who holds it.
    init(
        on address: RedisAddress, namespace: String?, dataFolder: String, logger: Logger
    ) async throws {
        key = Self.key(namespace)
        holder = "\(ProcessInfo.processInfo.hostName) \(dataFolder)"
        claim = "\(holder)\n\(UInt64.random(in: 1...UInt64.max))"
        var logger = logger
        logger[metadataKey: "service"] = "up"
        self.logger = logger
        redis = RedisClient(address.configuration, logger: logger)
        do {
            guard let other = try await other() else { return }
            throw CommandFailure(
                .failure,
                "another troupe up runs on this Redis, with the books of its companies at "
                    + "\(other); each would be asked about charges that only the other's know",
                remedy:
                    "troupe up --namespace second --data-folder .second, or stop that one; if it "
                    + "has just died, wait \(Self.life) s")
        } catch {
            await redis.shutdown()
            throw error
        }
    }

    /// Nil if it is ours, or of the same folder: which one of two writes its books is decided
    /// there.
    private func other() async throws -> String? {
        let taken = try await redis.send(
            RedisCommand(
                "SET", [.string(key), .string(claim), "NX", "EX", .integer(Self.life)]))
        if taken.string != nil { return nil }
        let known = try await redis.send(.get(key)).string?.split(separator: "\n").first
        guard let known, known != holder else { return nil }
        return String(known)
    }

    /// Never takes it from another folder.
    private func renew() async throws {
        guard try await other() == nil else {
            logger.error("another troupe up has claimed this Redis for other books")
            return
        }
        _ = try await redis.send(
            RedisCommand("SET", [.string(key), .string(claim), "EX", .integer(Self.life)]))
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            repeat {
                do {
                    try await self.renew()
                } catch {
                    self.logger.debug("the claim is not renewed", metadata: ["error": "\(error)"])
                }
            } while (try? await Task.sleep(for: Self.pause)) != nil
        }
        await giveBack()
    }

    /// Lets others take it at once, unless it is another process's.
    ///
    /// Also when this task was cancelled, with which nothing could be sent.
    func giveBack() async {
        await Task { [redis, key, claim] in
            if let known = try? await redis.send(.get(key)).string, known == claim {
                _ = try? await redis.send(.unlink([key]))
            }
            await redis.shutdown()
        }.value
    }
}
