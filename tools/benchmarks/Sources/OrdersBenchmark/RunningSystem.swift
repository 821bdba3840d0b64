import Foundation

/// `troupe up` as a process of its own, with wrk in front.
struct RunningSystem {
    /// What wrk said.
    struct Placed {
        let rate: Double
        let text: String
    }

    let command: String
    private let process: Process
    private let port: Int
    private let folder: URL

    /// The gateway's port; `troupe up` takes the seven after it and one a hundred above.
    private static let port = 43_000
    private static let order =
        #"{"userId":"1","productId":"1","quantity":1,"payment":{"method":"card","#
        + #""token":"tok_visa"},"shipping":{"street":"Main St 1","city":"Berlin","#
        + #""postcode":"10115","country":"DE"}}"#

    static func start(redisPort: Int) throws -> RunningSystem {
        let program = ".build/release/troupe"
        guard FileManager.default.isExecutableFile(atPath: program) else {
            throw Failure("no \(program) here: swift build -c release --product troupe")
        }
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("orders-benchmark-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try """
        wrk.method = "POST"
        wrk.headers["Content-Type"] = "application/json"
        wrk.body = [[\(order)]]
        """.write(to: folder.appendingPathComponent("order.lua"), atomically: true, encoding: .utf8)
        let arguments = [
            "up", "--port", "\(port)", "--redis", "redis://127.0.0.1:\(redisPort)",
            "--data-folder", folder.path, "--log-level", "error",
        ]
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        return RunningSystem(
            command: ([program] + arguments).joined(separator: " "), process: process, port: port,
            folder: folder)
    }

    func stop() {
        process.terminate()
        process.waitUntilExit()
        try? FileManager.default.removeItem(at: folder)
    }

    /// Waits until the system says that it is ready, a minute at most.
    func ready() async throws {
        for _ in 0..<600 {
            guard process.isRunning else { throw Failure("it does not start: \(command)") }
            let status = try output([
                "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}",
                "http://127.0.0.1:\(port + 100)/readyz",
            ])
            if status == "200" { return }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw Failure("it is not ready after a minute: \(command)")
    }

    func setStock(_ pieces: Int) async throws {
        let answer = try output([
            "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-X", "PUT",
            "-H", "Content-Type: application/json", "-d", #"{"available":\#(pieces)}"#,
            "http://127.0.0.1:\(port)/inventory/1",
        ])
        guard answer == "200" else { throw Failure("the stock cannot be set: \(answer)") }
    }

    func placeOrders(seconds: Int, connections: Int) throws -> Placed {
        let text = try output([
            "wrk", "-t1", "-c\(connections)", "-d\(seconds)s", "--latency", "-s",
            folder.appendingPathComponent("order.lua").path, "http://127.0.0.1:\(port)/orders",
        ])
        let line = text.components(separatedBy: "\n").first { $0.hasPrefix("Requests/sec:") }
        guard !text.contains("Non-2xx"), !text.contains("Socket errors"),
            let rate = line?.split(separator: " ").last.flatMap({ Double($0) })
        else { throw Failure("wrk said:\n\(text)") }
        return Placed(rate: rate, text: text)
    }

    private func output(_ command: [String]) throws -> String {
        let pipe = Pipe()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        try process.run()
        let bytes = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// What went wrong, for a person.
struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
