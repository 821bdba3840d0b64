import Foundation
import TroupeRedisTestKit

@testable import troupe

/// One run of the program, with a folder and ports of its own.
final class LoneProgram: Sendable {
    let child: ChildProgram
    let folder: String

    /// Starts `command`, at `port` if it listens.
    init(
        _ command: String, _ options: [String] = [], port: Int? = nil,
        variables: [String: String]
    ) throws {
        folder =
            FileManager.default.temporaryDirectory
            .appending(path: "troupe-lone-\(UUID().uuidString)").path
        try DataFolder.create(folder)
        let log = Foundation.open("\(folder)/log", O_WRONLY | O_CREAT | O_APPEND, 0o644)
        defer { Foundation.close(log) }
        var environment = ProcessInfo.processInfo.environment
        environment["TROUPE_DATA"] = folder
        environment.merge(variables) { $1 }
        let words = command.split(separator: " ").map(String.init)
        child = try ChildProgram(
            BuiltProgram.path, words + (port.map { ["--port", String($0)] } ?? []) + options,
            environment: environment, streams: .init(output: log, errors: log))
    }

    /// What it wrote, to both outputs.
    var output: String {
        let bytes = FileManager.default.contents(atPath: "\(folder)/log") ?? Data()
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Lines that our own logs and messages do not look like.
    var strangeLines: [Substring] {
        output.split(separator: "\n").filter { !$0.contains("level=") }
    }

    /// `/readyz` of the admin port that belongs to `port`; nil while nobody answers.
    func readiness(of port: Int) async -> WebAnswer? {
        try? await Web.get("http://127.0.0.1:\(port + 100)/readyz")
    }

    func close() async {
        await child.stop(within: .seconds(10))
        try? FileManager.default.removeItem(atPath: folder)
    }
}
