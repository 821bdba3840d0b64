import Foundation
import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import troupe

/// `troupe up` as a person uses it.
@Suite(.timeLimit(.minutes(5)))
struct UpTests {
    @Test func aLineOfAChildSaysWhoseItIs() async throws {
        let redis = try await RedisServer.launch()
        let addresses = try await Ports.free()
        let program = try LoneProgram(
            "up --processes --log-level warning", port: addresses.gateway,
            variables: ["REDIS_URL": redis.url])
        try await eventually("it is up") { program.output.contains("Troupe is up.") }

        await redis.stop()

        let names = ["users", "products", "orders", "payments", "inventory", "shipping", "gateway"]
        let lost: @Sendable () -> [Substring] = {
            program.output.split(separator: "\n")
                .filter { $0.contains("lost the connection to Redis") }
        }
        try? await eventually("each service has lost its connection") {
            names.allSatisfy { name in lost().contains { $0.contains(" service=\(name)") } }
        }
        let strangers = lost().filter { !$0.contains(" service=") }
        let silent = names.filter { name in !lost().contains { $0.contains(" service=\(name)") } }
        #expect(strangers.isEmpty && silent.isEmpty, "\(program.output)")
        await program.close()
    }

    @Test func aSecondSandboxOnTheSameBooksSaysWhatToDo() async throws {
        let redis = try await RedisServer.launch()
        let (one, other) = (try await Ports.free(), try await Ports.free())
        let first = try LoneProgram(
            "serve sandbox", port: one.gateway, variables: ["REDIS_URL": redis.url])
        try await eventually("the first is ready") {
            await first.readiness(of: one.gateway)?.status == 200
        }

        let second = try LoneProgram(
            "serve sandbox", port: other.gateway,
            variables: ["REDIS_URL": redis.url, "TROUPE_DATA": first.folder])

        #expect(await second.child.exitStatus() == 1, "\(second.output)")
        #expect(
            second.output.contains(
                "troupe: another sandbox writes its books to \(first.folder)/sandbox.jsonl, and "
                    + "only one can\n  try: stop the other troupe up"), "\(second.output)")
        await second.close()
        await first.close()
        await redis.stop()
    }

    @Test func upStartsItsOwnRedisAndStopsAllInOrder() async throws {
        let home = try await Home.open()
        let up = try home.run(["up"])
        try await home.becomeReady()
        let order = RunningSystem.order("1")
        let placed = try await Web.send(
            "POST", "\(home.gateway)/orders", order, headers: ["Prefer": "wait=30"])
        #expect(placed.text("status") == "completed")
        let id = try #require(placed.text("id"))
        #if os(Linux)
            let processes = [up.processID] + Children.of(up.processID).map(\.processID)
            let memory = processes.reduce(0) { $0 + Children.residentBytes(of: $1) }
            #expect(memory > 0 && memory <= 150_000_000, "\(memory) bytes resident")
        #endif

        up.send(SIGINT)
        let asked = ContinuousClock.now
        #expect(await up.exitStatus() == 0, "\(home.output)")

        #expect(ContinuousClock.now - asked < .seconds(20))
        let isRedisGone = await PortProbe.isFree(host: Addresses.host, port: home.redisPort)
        #expect(isRedisGone)
        #expect(home.output.contains("Troupe is up."))
        #expect(home.output.contains("redis-server of its own"))

        // Its data is there again.
        let again = try home.run(["up"])
        try await home.becomeReady()
        let found = try await Web.get("\(home.gateway)/orders/\(id)")
        #expect(found.text("status") == "completed")
        await again.stop(within: .seconds(10))
        home.close()
    }

    @Test func upSurvivesAnEarlierOneThatWasKilled() async throws {
        let home = try await Home.open()
        let killed = try home.run(["up"])
        try await home.becomeReady()
        killed.send(SIGKILL)
        _ = await killed.exitStatus()
        let isOrphanThere = await PortProbe.isAnswering(
            host: Addresses.host, port: home.redisPort)
        #expect(isOrphanThere)

        let up = try home.run(["up"])
        try await home.becomeReady()

        up.send(SIGTERM)
        #expect(await up.exitStatus() == 0, "\(home.output)")
        let isRedisGone = await PortProbe.isFree(host: Addresses.host, port: home.redisPort)
        #expect(isRedisGone)
        home.close()
    }

    @Test func secondInstanceSaysWhatToDo() async throws {
        let home = try await Home.open()
        let up = try home.run(["up"])
        try await home.becomeReady()

        let second = try home.run(["up"], log: "second")
        #expect(await second.exitStatus() == 1)

        let text = home.text(of: "second")
        #expect(text.contains("is in use"), "\(text)")
        #expect(text.contains("try: troupe up --port"), "\(text)")
        await up.stop(within: .seconds(10))
        home.close()
    }

    @Test func childProcessesAreStartedAgain() async throws {
        let home = try await Home.open()
        let up = try home.run(["up", "--processes", "--log-level", "error"])
        try await home.becomeReady()
        let orders = try #require(
            Children.of(up.processID).first { $0.arguments.contains("orders") })

        kill(orders.processID, SIGKILL)

        try await eventually("another process serves orders") {
            Children.of(up.processID).contains {
                $0.arguments.contains("orders") && $0.processID != orders.processID
            }
        }
        try await home.becomeReady()
        let children = Children.of(up.processID)
        #expect(children.count == 9, "seven services, the gateway, Redis")
        up.send(SIGTERM)
        #expect(await up.exitStatus() == 0, "\(home.output)")
        #expect(children.allSatisfy { kill($0.processID, 0) != 0 })
        home.close()
    }

    private static let resolve = "saga resolve 1 --service payment --step charge --reason r"

    private static let usage: [(String, Int32)] = [
        ("up --port 99999", 2), ("up --coordination orchestration", 2), ("upp", 2),
        ("serve paymets", 2), ("check /no/such/file", 2),
        ("saga show 1 --redis redis://127.0.0.1:1", 4), ("tail --redis redis://127.0.0.1:1", 4),
        (resolve + " --done -y --redis redis://127.0.0.1:1", 4), (resolve, 2),
        ("up --company-rate 0", 2), ("up --company-accidents -1", 2),
        ("up --redis redis://192.0.2.1:1", 4), ("--version", 0), ("--help", 0),
    ]

    @Test(arguments: UpTests.usage)
    func exitCodesAreThoseOfTheREADME(line: String, code: Int32) async throws {
        let home = try await Home.open()

        var arguments = line.split(separator: " ").map(String.init)
        // Who gets as far as to look for free ports takes some that are.
        if line.hasPrefix("up --redis") {
            arguments += ["--port", String(try await Ports.free().gateway)]
        }
        let program = try ChildProgram(
            BuiltProgram.path, arguments, streams: home.streams(log: "code"))

        #expect(await program.exitStatus() == code, "\(home.text(of: "code"))")
        home.close()
    }
}

/// A folder and ports for a `troupe up` with a Redis of its own.
private final class Home: Sendable {
    let addresses: Addresses
    let folder: String
    var redisPort: Int { addresses.gateway + 50 }
    var gateway: String { "http://\(Addresses.host):\(addresses.gateway)" }

    static func open() async throws -> Home {
        let home = Home(addresses: try await Ports.free())
        try DataFolder.create(home.folder)
        return home
    }

    private init(addresses: Addresses) {
        self.addresses = addresses
        folder =
            FileManager.default.temporaryDirectory
            .appending(path: "troupe-home-\(UUID().uuidString)").path
    }

    func run(_ arguments: [String], log: String = "up") throws -> ChildProgram {
        let place = [
            "--port", String(addresses.gateway), "--data-folder", folder, "--redis",
            "redis://127.0.0.1:\(redisPort)",
        ]
        return try ChildProgram(
            BuiltProgram.path, arguments + place, streams: streams(log: log))
    }

    func streams(log: String) -> ChildProgram.Streams {
        let file = Foundation.open("\(folder)/\(log).log", O_WRONLY | O_CREAT | O_APPEND, 0o644)
        return ChildProgram.Streams(output: file, errors: file)
    }

    func becomeReady() async throws {
        try await eventually("the demo order is served") {
            (try? await Web.get("\(self.gateway)/orders/1/details"))?.status == 200
        }
    }

    var output: String { text(of: "up") }

    func text(of log: String) -> String {
        let bytes = FileManager.default.contents(atPath: "\(folder)/\(log).log") ?? Data()
        return String(decoding: bytes, as: UTF8.self)
    }

    func close() { try? FileManager.default.removeItem(atPath: folder) }
}

/// Children of a process.
private enum Children {
    struct Child {
        var processID: pid_t
        var arguments: String
    }

    static func of(_ parent: pid_t) -> [Child] {
        #if os(Linux)
            let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
            return names.compactMap { pid_t($0) }
                .filter { self.parent(of: $0) == parent }
                .map { Child(processID: $0, arguments: text("/proc/\($0)/cmdline")) }
        #else
            return fromProcessStatus(parent)
        #endif
    }

    #if os(Linux)
        /// The fourth field; the second is the name in parentheses, which may hold anything.
        private static func parent(of processID: pid_t) -> pid_t? {
            let status = text("/proc/\(processID)/stat")
            guard let end = status.lastIndex(of: ")") else { return nil }
            let fields = status[end...].split(separator: " ")
            return fields.count > 2 && fields[1] != "Z" ? pid_t(fields[2]) : nil
        }

        /// The second field counts pages.
        static func residentBytes(of processID: pid_t) -> Int {
            let fields = text("/proc/\(processID)/statm").split(separator: " ")
            return fields.count > 1 ? (Int(fields[1]) ?? 0) * Int(getpagesize()) : 0
        }

        private static func text(_ path: String) -> String {
            let bytes = FileManager.default.contents(atPath: path) ?? Data()
            return String(decoding: bytes.map { $0 == 0 ? 32 : $0 }, as: UTF8.self)
        }
    #else
        private static func fromProcessStatus(_ parent: pid_t) -> [Child] {
            let ps = Process()
            let output = Pipe()
            ps.executableURL = URL(filePath: "/bin/ps")
            ps.arguments = ["-A", "-o", "pid=,ppid=,args="]
            ps.standardOutput = output
            guard (try? ps.run()) != nil else { return [] }
            let bytes = output.fileHandleForReading.readDataToEndOfFile()
            return String(decoding: bytes, as: UTF8.self).split(separator: "\n").compactMap {
                let words = $0.split(separator: " ", maxSplits: 2)
                guard words.count == 3, pid_t(words[1]) == parent, let child = pid_t(words[0])
                else { return nil }
                return Child(processID: child, arguments: String(words[2]))
            }
        }
    #endif
}
