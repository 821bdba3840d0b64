import Foundation
import Synchronization
import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import troupe

/// A whole system for tests: a redis-server with an append-only file, and the program that
/// was built, as one process or as one for each service.
///
/// Everything is its own: ports, data folder, Redis. Should the test process die, the
/// programs see their standard input end and stop; the redis-server has a watchdog.
final class RunningSystem: Sendable {
    enum Form: Sendable { case oneProcess, manyProcesses }

    let redis: RedisServer
    let addresses: Addresses
    let folder: String
    private let variables: [String: String]
    private let programs = Mutex<[String: Program]>([:])

    private struct Program {
        var child: ChildProgram
        var lifeline: Pipe
    }

    /// Opens when everything is ready and the demo data is there.
    ///
    /// - Parameter rule: what the programs' user may do on Redis; nil leaves them the default.
    static func open(
        _ form: Form, variables: [String: String] = [:], rule: String? = nil
    ) async throws -> RunningSystem {
        let redis = try await RedisServer.launch(.init(isDurable: true))
        var variables = variables
        if let rule { variables["REDIS_URL"] = try await redis.createUser(rule) }
        let system = RunningSystem(
            redis: redis, addresses: try await Ports.free(), variables: variables)
        do {
            try await system.start(form)
            try await system.becomeReady()
        } catch {
            print(system.logs)
            await system.close()
            throw error
        }
        return system
    }

    private init(redis: RedisServer, addresses: Addresses, variables: [String: String]) {
        self.redis = redis
        self.addresses = addresses
        self.variables = variables
        folder =
            FileManager.default.temporaryDirectory
            .appending(path: "troupe-tests-\(UUID().uuidString)").path
    }

    /// Stops everything in order and removes the folder.
    func close() async {
        let running = programs.withLock { programs in
            defer { programs = [:] }
            return programs.values.map(\.child)
        }
        for child in running { child.send(SIGTERM) }
        for child in running { await child.stop(within: .seconds(10)) }
        await redis.stop()
        try? FileManager.default.removeItem(atPath: folder)
    }

    // MARK: - Programs

    /// The names of the programs when each service has its own.
    static let names = SystemService.startOrder.map(\.rawValue) + ["gateway"]

    private func start(_ form: Form) async throws {
        try DataFolder.create(folder)
        switch form {
        case .oneProcess:
            try launch("up", ["up", "--port", String(addresses.gateway)])
        case .manyProcesses:
            for name in Self.names { try start(name) }
        }
    }

    /// Starts a service or the gateway, for the first time or again.
    func start(_ name: String) throws {
        let service = SystemService(rawValue: name)
        let port = service.map(addresses.port) ?? addresses.gateway
        let command = service.map { ["serve", $0.rawValue] } ?? ["gateway"]
        try launch(name, command + ["--port", String(port)])
    }

    /// Ends a program as a power failure would.
    func kill(_ name: String) async {
        let program = programs.withLock { $0.removeValue(forKey: name) }
        program?.child.send(SIGKILL)
        _ = await program?.child.exitStatus()
    }

    private func launch(_ name: String, _ arguments: [String]) throws {
        let log = Foundation.open("\(folder)/\(name).log", O_WRONLY | O_CREAT | O_APPEND, 0o644)
        defer { Foundation.close(log) }
        let lifeline = Pipe()
        let child = try ChildProgram(
            BuiltProgram.path, arguments, environment: environment,
            streams: .init(
                input: lifeline.fileHandleForReading.fileDescriptor, output: log, errors: log))
        programs.withLock { $0[name] = Program(child: child, lifeline: lifeline) }
    }

    private var environment: [String: String] {
        var environment = ProcessInfo.processInfo.environment
        environment["REDIS_URL"] = redis.url
        environment["TROUPE_DATA"] = folder
        environment["LOG_LEVEL"] = "warning"
        environment[SupervisedService.marker] = "1"
        return environment.merging(variables) { $1 }
    }

    private func becomeReady() async throws {
        try await eventually("the demo order is served with all its parts") {
            if let dead = self.programs.withLock({ $0.first { $0.value.child.hasEnded }?.key }) {
                throw NeverHappened(what: "\(dead) keeps running")
            }
            guard let answer = try? await Web.get("\(self.gateway)/orders/1/details") else {
                return false
            }
            return answer.status == 200
                && ["order", "user", "product", "payment", "shipment"].allSatisfy(answer.has)
        }
    }

    /// What the programs said, for a test that fails.
    var logs: String {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasSuffix(".log") }.sorted().map { name in
            let bytes = FileManager.default.contents(atPath: "\(folder)/\(name)") ?? Data()
            return "--- \(name)\n\(String(decoding: bytes.suffix(4_000), as: UTF8.self))"
        }.joined(separator: "\n")
    }

    // MARK: - Addresses

    var gateway: String { "http://\(Addresses.host):\(addresses.gateway)" }

    func url(of service: SystemService) -> String { addresses.url(of: service) }
}

/// The program `troupe` that was built with these tests.
enum BuiltProgram {
    static var path: String {
        var folder = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
        for _ in 0..<6 {
            let candidate = folder.appending(path: "troupe").path
            if FileManager.default.isExecutableFile(atPath: candidate) { return candidate }
            folder.deleteLastPathComponent()
        }
        return "troupe"
    }
}

/// Gives a suite one system for all its tests.
struct RunningSystemTrait: SuiteTrait, TestScoping {
    var form: RunningSystem.Form
    var variables: [String: String]
    var rule: String?
    @TaskLocal static var system: RunningSystem?

    var isRecursive: Bool { false }

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        let system = try await RunningSystem.open(form, variables: variables, rule: rule)
        do {
            try await Self.$system.withValue(system) { try await function() }
        } catch {
            await system.close()
            throw error
        }
        await system.close()
    }
}

extension Trait where Self == RunningSystemTrait {
    /// One system for the suite, all services in one process.
    static var system: Self { RunningSystemTrait(form: .oneProcess, variables: [:]) }

    /// The same with other settings, as environment variables.
    ///
    /// - Parameter rule: what its user may do on Redis.
    static func system(
        _ form: RunningSystem.Form, _ variables: [String: String] = [:], rule: String? = nil
    ) -> Self {
        RunningSystemTrait(form: form, variables: variables, rule: rule)
    }
}

extension RedisServer {
    /// A user of that rule alone, and the URL with which it comes.
    func createUser(_ rule: String, name: String = "app") async throws -> String {
        let words =
            ["SETUSER", name, "reset", "on", ">secret"]
            + rule.split(separator: " ").map(String.init)
        let client = client()
        _ = try await client.send(RedisCommand("ACL", words.map { .string($0) }))
        await client.shutdown()
        return "redis://\(name):secret@127.0.0.1:\(port)"
    }
}

extension RunningSystem {
    /// The system of the suite that runs.
    static var current: RunningSystem {
        get throws {
            guard let system = RunningSystemTrait.system else {
                throw NeverHappened(what: "a .system trait")
            }
            return system
        }
    }
}
