import Logging
import TroupeRedis

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The Redis that `up` runs on: one that was there, or one of our own.
///
///     answers, and is not ours          → found: used, and left alone at the end
///     answers, left by an `up` that was killed (its pid is in our folder, the lock is free)
///                                       → stopped, then started again as ours, on its data
///     silent, on this machine           → started as ours, stopped last
///     silent elsewhere, refuses us, or
///     is a replica, which only reads    → an error that says what to do
enum RedisSource: Sendable {
    case found(RedisFacts)
    case own(OwnRedisServer, FolderLock)

    /// Finds or starts it.
    ///
    /// - Parameter launched: is told of a server of our own as soon as its process runs, and
    ///   long before it answers: whoever is stopped meanwhile has to end it.
    static func open(
        _ address: RedisAddress, dataFolder: String, logger: Logger,
        launched: (OwnRedisServer) -> Void = { _ in }
    ) async throws(CommandFailure) -> RedisSource {
        switch await RedisProbe.ask(address, logger: logger) {
        case .answers(let facts) where facts.isReplica:
            throw CommandFailure(
                .unreachable, "Redis at \(address.shown) is a read-only replica",
                remedy: "name its primary with --redis")
        case .answers(let facts):
            guard let port = address.portForOwnServer, isLeftOver(facts, in: dataFolder),
                let lock = try FolderLock(folder: dataFolder)
            else { return .found(facts) }
            logger.notice("a redis-server was left by an earlier run; taking its data over")
            try await end(facts, port: port)
            return try await .own(start(address, port, dataFolder, logger, launched), lock)
        case .fails(.loading):
            return try await waitUntilLoaded(address, logger: logger)
        case .fails(.silent(let reason)):
            guard let port = address.portForOwnServer else {
                throw CommandFailure(
                    .unreachable, "Redis at \(address.shown) does not answer: \(reason)",
                    remedy: "start it there, or leave out --redis to have one started here")
            }
            try await expectFree(port)
            try DataFolder.create(dataFolder)
            guard let lock = try FolderLock(folder: dataFolder) else {
                throw CommandFailure(
                    .failure, "another troupe up uses the folder \(dataFolder)",
                    remedy: "stop it, or pass another --data-folder and --port")
            }
            return try await .own(start(address, port, dataFolder, logger, launched), lock)
        case .fails(.mute):
            let other = address.portForOwnServer.map { "redis://127.0.0.1:\($0 + 1)" }
            throw CommandFailure(
                .unreachable,
                "what listens at \(address.shown) takes the connection and says nothing: it is "
                    + "not a Redis, or a Redis that is stopped or busy",
                remedy: other.map { "troupe up --redis \($0)" }
                    ?? Shortcoming.mute.remedy(on: address.configuration))
        case .fails(let shortcoming):
            throw RedisConnection.failure(shortcoming, at: address)
        }
    }

    private static func start(
        _ address: RedisAddress, _ port: Int, _ dataFolder: String, _ logger: Logger,
        _ launched: (OwnRedisServer) -> Void
    ) async throws(CommandFailure) -> OwnRedisServer {
        try await OwnRedisServer.start(
            at: address, port: port, dataFolder: dataFolder, logger: logger, launched: launched)
    }

    private static func isLeftOver(_ facts: RedisFacts, in dataFolder: String) -> Bool {
        let path = "\(dataFolder)/redis/redis.pid"
        guard let bytes = FileManager.default.contents(atPath: path) else { return false }
        let text = String(decoding: bytes, as: UTF8.self).prefix { $0.isNumber }
        return facts.processID != 0 && Int(text) == facts.processID
    }

    private static func end(_ facts: RedisFacts, port: Int) async throws(CommandFailure) {
        _ = StrayProcess.askToStop(facts.processID)
        let deadline = ContinuousClock.now + .seconds(20)
        while ContinuousClock.now < deadline {
            if await PortProbe.isFree(host: "127.0.0.1", port: port) { return }
            try? await Task.sleep(for: .milliseconds(25))
        }
        throw CommandFailure(
            .failure, "the redis-server left by an earlier run does not stop",
            remedy: "kill \(facts.processID)")
    }

    private static func expectFree(_ port: Int) async throws(CommandFailure) {
        guard await !PortProbe.isFree(host: "127.0.0.1", port: port) else { return }
        throw CommandFailure(
            .failure, "what listens at port \(port) is not a Redis",
            remedy: "troupe up --redis redis://127.0.0.1:\(port + 1)")
    }

    private static func waitUntilLoaded(
        _ address: RedisAddress, logger: Logger
    ) async throws(CommandFailure) -> RedisSource {
        logger.notice("Redis reads its data; waiting")
        let end = ContinuousClock.now + .seconds(120)
        while ContinuousClock.now < end {
            if case .answers(let facts) = await RedisProbe.ask(address, logger: logger) {
                return .found(facts)
            }
            try? await Task.sleep(for: .milliseconds(200))
        }
        throw CommandFailure(.unreachable, "Redis at \(address.shown) still reads its data")
    }
}
