import Logging
import Saga
import Synchronization
import TroupeRedis

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The redis-server that `up` starts when none answers, with its data in the data folder.
///
///     .troupe/lock              held by the running `up`, given back by the system
///     .troupe/redis.log         what the server says
///     .troupe/redis/redis.pid   so that a later `up` knows a server that a killed one left
///     .troupe/redis/appendonly…
///
/// It runs in a process group of its own: ctrl-C reaches `up` alone, which stops the services
/// first and this last. If it dies before, it is started again on the same data.
final class OwnRedisServer: Sendable {
    let address: RedisAddress
    private let port: Int
    private let folder: String
    private let logger: Logger
    private let state: Mutex<State>

    private struct State {
        var child: ChildProgram
        var isStopping = false
    }

    /// Starts the server and waits until it has read its data and answers.
    static func start(
        at address: RedisAddress, port: Int, dataFolder: String, logger: Logger,
        launched: (OwnRedisServer) -> Void
    ) async throws(CommandFailure) -> OwnRedisServer {
        let folder = "\(dataFolder)/redis"
        try DataFolder.create(folder)
        let child = try launch(port: port, folder: folder)
        let server = OwnRedisServer(address, port, folder, logger, child)
        launched(server)
        do {
            try await server.becomeReady()
        } catch {
            await server.stop()
            throw error
        }
        return server
    }

    private init(
        _ address: RedisAddress, _ port: Int, _ folder: String, _ logger: Logger,
        _ child: ChildProgram
    ) {
        self.address = address
        self.port = port
        self.folder = folder
        self.logger = logger
        state = Mutex(State(child: child))
    }

    var processID: Int32 { state.withLock { $0.child.processID } }

    /// Starts the server again whenever it ends, until `stop()`.
    func supervise() async {
        var losses = 0
        while true {
            let started = ContinuousClock.now
            let status = await state.withLock { $0.child }.exitStatus()
            guard !state.withLock({ $0.isStopping }) else { return }
            logger.error(
                "redis-server ended; starting it again",
                metadata: ["status": .stringConvertible(status)])
            if ContinuousClock.now - started > .seconds(30) { losses = 0 }
            try? await Task.sleep(for: RetrySchedule.restarts.pause(after: losses, random: 1))
            losses += 1
            guard !state.withLock({ $0.isStopping }) else { return }
            do throws(CommandFailure) {
                let child = try Self.launch(port: port, folder: folder)
                let isStopping = state.withLock { state in
                    state.child = child
                    return state.isStopping
                }
                if isStopping { child.send(15) }
            } catch {
                logger.error("redis-server cannot be started", metadata: ["reason": "\(error)"])
            }
        }
    }

    /// Lets the server write what it has, and ends it; its data stays.
    func stop() async {
        let child = state.withLock { state in
            state.isStopping = true
            return state.child
        }
        await child.stop(within: .seconds(10))
    }

    /// Asks the server to stop and does not wait for it.
    func stopSoon() {
        state.withLock { state in
            state.isStopping = true
            state.child.send(15)
        }
    }

    private static func launch(port: Int, folder: String) throws(CommandFailure) -> ChildProgram {
        let arguments = RedisSettings.arguments(
            port: port, folder: folder, logFile: "\(folder).log")
        do {
            return try ChildProgram("redis-server", arguments)
        } catch {
            throw CommandFailure(
                .failure, "no Redis answers at port \(port), and \(error.message)",
                remedy: "install redis-server, or name a running Redis with --redis")
        }
    }

    /// A large append-only file takes its time to read.
    private func becomeReady() async throws(CommandFailure) {
        let end = ContinuousClock.now + .seconds(120)
        while ContinuousClock.now < end, !state.withLock({ $0.child.hasEnded }) {
            if case .answers = await RedisProbe.ask(address, logger: logger) { return }
            try? await Task.sleep(for: .milliseconds(30))
        }
        let log = FileManager.default.contents(atPath: "\(folder).log") ?? Data()
        let said = String(decoding: log.suffix(2_000), as: UTF8.self).split(separator: "\n")
        throw CommandFailure(
            .failure,
            "redis-server does not come up at port \(port): \(said.last ?? "it said nothing")",
            remedy: "tail \(folder).log")
    }
}

extension RetrySchedule {
    /// The pauses of what is started again; they double, and nobody else comes back with it.
    static let restarts = RetrySchedule(
        pauseMinimum: .milliseconds(100), pauseMaximum: .seconds(5))
}

/// The folder where `up` keeps what must survive it.
enum DataFolder {
    static func create(_ path: String) throws(CommandFailure) {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true)
        } catch {
            throw CommandFailure(
                .failure, "cannot create the folder \(path)",
                remedy: "start in a folder you may write to, or pass --data-folder")
        }
    }

    static func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : "\(FileManager.default.currentDirectoryPath)/\(path)"
    }
}
