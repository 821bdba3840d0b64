import Foundation

/// The compiler that built these tests, asked about a text that uses the modules beside them.
enum Compiler {
    /// Where it is; nil if it is not on the `PATH`.
    static let path: String? = {
        let folders = ProcessInfo.processInfo.environment["PATH"]?.split(separator: ":") ?? []
        return folders.lazy.map { "\($0)/swiftc" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }()

    /// Where the build left the modules: beside the bundle of tests that runs.
    private static var modules: String {
        let bundle = CommandLine.arguments.lazy.compactMap { word in
            word.range(of: ".xctest").map { word[..<$0.upperBound] }
        }.first
        guard let bundle else {
            return URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent().deletingLastPathComponent()
                .appending(path: ".build/debug/Modules").path
        }
        return URL(filePath: String(bundle)).deletingLastPathComponent()
            .appending(path: "Modules").path
    }

    /// The errors that it finds in a text, by their lines, the first of which is 1.
    static func errors(in text: String) throws -> [Int: String] {
        guard let path else { return [:] }
        let file = FileManager.default.temporaryDirectory
            .appending(path: "troupe-\(UUID().uuidString).swift")
        try Data(text.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(filePath: path)
        process.arguments = [
            "-typecheck", "-swift-version", "6", "-diagnostic-style", "llvm", "-I", modules,
            file.path,
        ]
        process.standardInput = FileHandle.nullDevice
        process.standardError = pipe
        try process.run()
        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        var errors: [Int: String] = [:]
        for line in String(decoding: output, as: UTF8.self).split(separator: "\n") {
            guard let match = line.firstMatch(of: #/^(.+):(\d+):\d+: error: (.*)$/#),
                let number = Int(match.2)
            else { continue }
            // What is wrong elsewhere, as with a module, counts as line 0.
            errors[match.1.hasSuffix(file.lastPathComponent) ? number : 0] = String(match.3)
        }
        if errors.isEmpty, process.terminationStatus != 0 {
            errors[0] = String(decoding: output, as: UTF8.self)
        }
        return errors
    }
}
