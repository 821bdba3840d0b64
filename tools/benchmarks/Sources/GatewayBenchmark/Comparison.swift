import Foundation

/// Runs wrk against nginx and the gateway in turns, and prints what came out.
struct Comparison {
    let rounds: Int
    let seconds: Int

    private static let connections = 64
    private static let pipelined = 10_000

    func run() async throws {
        let origin = try await Origin.start()
        let tools = Tools()
        let nginx = try Nginx.start(originPort: origin.port, tools: tools)
        defer { nginx.stop() }
        let gateway = try RunningGateway.start(originPort: origin.port, tools: tools)
        defer { gateway.stop() }
        let servers = [
            Server(name: "nginx proxy_cache", port: nginx.port, process: nginx.process),
            Server(name: "troupe gateway", port: gateway.port, process: gateway.process),
        ]
        print("cores: \(tools.cores), \(tools.pinning)")
        for kind in Kind.all {
            print("\(kind.name):")
            try await compare(servers, kind, tools)
        }
    }

    private func compare(_ servers: [Server], _ kind: Kind, _ tools: Tools) async throws {
        for server in servers {
            print("\(server.name): \(try proof(of: server.port, kind.path, tools))")
            let answers = try await Pairing.count(
                Self.pipelined, port: server.port, path: kind.path)
            print("\(server.name): \(answers) answers to \(Self.pipelined) pipelined requests")
            guard answers == Self.pipelined else {
                throw Failure("\(server.name) does not give one answer for one request")
            }
        }
        let command = tools.wrk(port: 0, Self.connections, seconds, kind.path)
        print("each: \(command.joined(separator: " "))")
        var figures: [[Figure]] = [[], []]
        for round in 1...rounds {
            for (index, server) in servers.enumerated() {
                let figure = try measure(server, kind.path, tools)
                figures[index].append(figure)
                print("round \(round)  \(server.name): \(figure)")
            }
        }
        let wall = figures.map { median($0.map(\.rate)) }
        print("median  nginx \(Int(wall[0])), gateway \(Int(wall[1])) requests/s")
        print("ratio   \(ratio(wall))  (goal \(kind.goal))")
        let own = figures.map { median($0.compactMap(\.ratePerCPU)) }
        guard own.allSatisfy({ $0 > 0 }) else { return }
        print("ratio   \(ratio(own)) by requests for each second of the server's own CPU time")
    }

    private func median(_ figures: [Double]) -> Double {
        figures.isEmpty ? 0 : figures.sorted()[figures.count / 2]
    }

    private func ratio(_ pair: [Double]) -> Double {
        (pair[1] / pair[0] * 100).rounded() / 100
    }

    /// Asks twice and shows whether the second answer came from the cache and how long it is.
    private func proof(of port: Int, _ path: String, _ tools: Tools) throws -> String {
        let command = ["curl", "-si", "http://127.0.0.1:\(port)\(path)"]
        _ = try tools.output(of: command)
        let answer = try tools.output(of: command)
        let parts = answer.components(separatedBy: "\r\n\r\n")
        let lines = parts[0].components(separatedBy: "\r\n")
        let cache = lines.first {
            $0.lowercased().hasPrefix("x-cache") || $0.lowercased().hasPrefix("cache-status")
        }
        let body = parts.dropFirst().joined().utf8.count
        return "\(lines[0]), \(cache ?? "no cache field"), \(body) bytes of body"
    }

    private func measure(_ server: Server, _ path: String, _ tools: Tools) throws -> Figure {
        let before = server.cpuSeconds
        let output = try tools.output(
            of: tools.wrk(port: server.port, Self.connections, seconds, path))
        let lines = output.components(separatedBy: "\n")
        guard !output.contains("Non-2xx"), !output.contains("Socket errors"),
            let line = lines.first(where: { $0.hasPrefix("Requests/sec:") }),
            let rate = line.split(separator: " ").last.flatMap({ Double($0) }),
            let count = lines.first(where: { $0.contains("requests in") })?
                .split(separator: " ").first.flatMap({ Double($0) })
        else { throw Failure("wrk said:\n\(output)") }
        var ratePerCPU: Double?
        if let before, let after = server.cpuSeconds, after > before {
            ratePerCPU = count / (after - before)
        }
        return Figure(rate: rate, ratePerCPU: ratePerCPU)
    }
}

/// What is asked for: an answer that both keep, or one that both fetch each time.
struct Kind {
    let name: String
    let path: String
    /// The least ratio to nginx.
    let goal: Double

    static let all = [
        Kind(name: "from memory", path: "/orders/1/details", goal: 0.8),
        Kind(name: "passed on", path: "/orders/1", goal: 0.6),
    ]
}

/// A server under test.
struct Server {
    let name: String
    let port: Int
    let process: Process

    /// What it has used of the processor, where the system tells (Linux).
    var cpuSeconds: Double? {
        let path = "/proc/\(process.processIdentifier)/stat"
        guard let text = try? String(contentsOfFile: path, encoding: .utf8),
            let rest = text.components(separatedBy: ") ").last
        else { return nil }
        let fields = rest.split(separator: " ")
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12])
        else { return nil }
        return (user + system) / 100
    }
}

/// What one run of wrk gave.
struct Figure: CustomStringConvertible {
    let rate: Double
    /// Free of what else the machine does.
    let ratePerCPU: Double?

    var description: String {
        "\(Int(rate)) requests/s" + (ratePerCPU.map { ", \(Int($0)) per CPU second" } ?? "")
    }
}

/// What went wrong, for a person.
struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// How commands are run and pinned: the server on core 0, wrk on core 1, where there are two.
struct Tools {
    let cores = ProcessInfo.processInfo.activeProcessorCount
    private let isPinning: Bool

    init() {
        isPinning =
            FileManager.default.isExecutableFile(atPath: "/usr/bin/taskset")
            && ProcessInfo.processInfo.activeProcessorCount > 1
    }

    var pinning: String {
        isPinning ? "server on core 0, wrk on core 1" : "nothing pinned"
    }

    func wrk(port: Int, _ connections: Int, _ seconds: Int, _ path: String) -> [String] {
        pinned(
            [
                "wrk", "-t1", "-c\(connections)", "-d\(seconds)s",
                "http://127.0.0.1:\(port)\(path)",
            ], core: 1)
    }

    func pinned(_ command: [String], core: Int) -> [String] {
        isPinning ? ["taskset", "-c", "\(core)"] + command : command
    }

    func output(of command: [String]) throws -> String {
        let pipe = Pipe()
        let process = try start(command, output: pipe)
        let bytes = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: bytes, as: UTF8.self)
    }

    func start(_ command: [String], output: Pipe? = nil) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        process.standardOutput = output ?? FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        return process
    }
}
