import Synchronization
public import TroupeRedis

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

// A server for tests, which never outlives them:
//
//   this process ──spawns──▶ redis-server        its own folder, port and socket
//        │ pipe
//        └──────spawns──▶ watchdog (sh)          reads the pipe; when it closes, whatever ended
//                                                this process, kills the server and removes
//                                                the folder
//
// A thread waits for each process, so that no task ever blocks on one.

/// A real `redis-server` of one's own, with an empty data folder.
public final class RedisServer: Sendable {
    /// How the server is started.
    public struct Options: Sendable {
        /// Every write is in the append-only file before it is answered for good.
        public var isDurable: Bool
        /// More settings, as on the command line: `["--maxmemory", "10mb"]`.
        public var arguments: [String]
        /// Where the program is; nil looks through `PATH`.
        public var program: String?

        /// An ordinary server; data are lost when it stops unless it is durable.
        public init(isDurable: Bool = false, arguments: [String] = [], program: String? = nil) {
            self.isDurable = isDurable
            self.arguments = arguments
            self.program = program
        }
    }

    /// What went wrong with a server.
    public struct Failure: Error, CustomStringConvertible {
        /// What was tried, and the end of the server's log.
        public let description: String
    }

    @TaskLocal static var running: RedisServer?

    /// The server of the suite that runs; see the trait `.redisServer`.
    public static var current: RedisServer {
        guard let running else {
            preconditionFailure("no server runs here; the suite needs the trait .redisServer")
        }
        return running
    }

    private struct State {
        var server: ChildProcess?
        var watchdog: ChildProcess?
    }

    /// Where it listens, on 127.0.0.1.
    public let port: Int
    /// Its data, log and socket.
    public let folder: String
    private let options: Options
    private let program: String
    private let state = Mutex(State())

    private init(options: Options, program: String, port: Int, folder: String) {
        self.options = options
        self.program = program
        self.port = port
        self.folder = folder
    }

    deinit {
        // The watchdog sees its pipe close, kills the server and removes the folder.
        let isRunning = state.withLock { state in
            state.watchdog?.closeInput()
            return state.watchdog != nil
        }
        if !isRunning { try? FileManager.default.removeItem(atPath: folder) }
    }

    /// Starts a server and waits until it answers.
    ///
    /// - Throws: `Failure` if there is no such program, or it does not answer within 15 s.
    public static func launch(_ options: Options = Options()) async throws -> RedisServer {
        guard let program = options.program ?? ProgramSearch.path(of: "redis-server") else {
            throw Failure(description: "there is no redis-server in PATH")
        }
        var lastError: any Error = Failure(description: "no free port")
        // Another process can take the port between the search and the start.
        for _ in 0..<5 {
            let server = RedisServer(
                options: options, program: program, port: try FreePort.find(),
                folder: try TemporaryFolder.make())
            do {
                try await server.start()
                return server
            } catch {
                lastError = error
                await server.stop()
            }
        }
        throw lastError
    }

    /// The address as a URL.
    public var url: String { "redis://127.0.0.1:\(port)" }

    /// The path of its unix socket.
    public var socketPath: String { folder + "/s" }

    /// Settings for a client of this server.
    public var configuration: RedisConfiguration {
        var configuration = RedisConfiguration()
        configuration.address = .tcp(host: "127.0.0.1", port: port)
        return configuration
    }

    /// A client of this server.
    ///
    /// - Parameter change: adapts the settings.
    public func client(_ change: (inout RedisConfiguration) -> Void = { _ in }) -> RedisClient {
        var configuration = configuration
        change(&configuration)
        return RedisClient(configuration, logger: .silent)
    }

    /// Starts it again on the same port, with the data its persistence kept.
    ///
    /// - Throws: `Failure` if it does not answer within 15 s.
    public func start() async throws {
        try spawn()
        try await answer()
    }

    /// Ends it as an operator would and waits until it is gone.
    ///
    /// The folder stays until the process ends or `start()` uses it again.
    public func stop() async {
        await end(with: Signal.terminate)
    }

    /// Ends it as a power failure would and waits until it is gone.
    public func kill() async {
        await end(with: Signal.kill)
    }

    /// Keeps a copy of what its append-only file holds by now; it has to be durable.
    package func keepCopy() throws {
        try? FileManager.default.removeItem(atPath: copyPath)
        try FileManager.default.copyItem(atPath: appendOnlyPath, toPath: copyPath)
    }

    /// Starts it with the data of the last copy, as a replica that lagged would take over.
    ///
    /// - Throws: `Failure` if it does not answer within 15 s; what the file system says.
    package func startFromCopy() async throws {
        try FileManager.default.removeItem(atPath: appendOnlyPath)
        try FileManager.default.moveItem(atPath: copyPath, toPath: appendOnlyPath)
        try await start()
    }

    private var appendOnlyPath: String { folder + "/appendonlydir" }
    private var copyPath: String { folder + "/copy" }

    /// Stops it in the middle of whatever it does, connections open.
    public func pause() {
        state.withLock { $0.server?.send(Signal.stop) }
    }

    /// Lets it go on after `pause()`.
    public func resume() {
        state.withLock { $0.server?.send(Signal.resume) }
    }

    /// A prefix for keys and channels that no other test uses.
    public func keyspace() -> String {
        "test:" + String(UInt64.random(in: .min ... .max), radix: 36) + ":"
    }

    /// Runs `body` with a client and a prefix that no other test uses, then closes the client.
    ///
    /// - Throws: what `body` throws.
    public func withKeyspace<Value>(
        isolation: isolated (any Actor)? = #isolation,
        _ body: (RedisClient, String) async throws -> Value
    ) async throws -> Value {
        let client = client()
        do {
            let value = try await body(client, keyspace())
            await client.shutdown()
            return value
        } catch {
            await client.shutdown()
            throw error
        }
    }

    // MARK: - Processes

    private func spawn() throws {
        var arguments = [
            "--port", "\(port)", "--bind", "127.0.0.1", "--dir", folder, "--unixsocket",
            socketPath, "--save", "", "--daemonize", "no", "--logfile", folder + "/log",
            "--enable-debug-command", "local",
        ]
        arguments +=
            options.isDurable
            ? ["--appendonly", "yes", "--appendfsync", "always"] : ["--appendonly", "no"]
        let server = try ChildProcess(program, arguments + options.arguments)
        let watchdog = try ChildProcess(
            "/bin/sh",
            ["-c", "read _; kill -9 \"$1\"; rm -rf \"$2\"", "watchdog", "\(server.id)", folder],
            hasInput: true)
        state.withLock { $0 = State(server: server, watchdog: watchdog) }
    }

    private func answer() async throws {
        let client = client { $0.disconnectedWait = .seconds(2) }
        let end = ContinuousClock.now + .seconds(15)
        while ContinuousClock.now < end {
            if (try? await client.send(.ping)) != nil { break }
            guard state.withLock({ $0.server?.isRunning == true }) else { break }
        }
        let isAnswering = (try? await client.send(.ping)) != nil
        await client.shutdown()
        guard isAnswering, state.withLock({ $0.server?.isRunning == true }) else {
            throw Failure(description: "redis-server did not start:\n" + log())
        }
    }

    private func end(with signal: Int32) async {
        let state = state.withLock { state in
            defer { state = State() }
            return state
        }
        // First the watchdog, so that it never sees a number that another process has got.
        state.watchdog?.send(Signal.kill)
        await state.watchdog?.exit()
        state.server?.send(signal)
        if signal == Signal.terminate { state.server?.send(Signal.resume) }
        await state.server?.exit()
    }

    private func log() -> String {
        TemporaryFolder.tail(of: folder + "/log")
    }
}
