import Foundation
import Testing

/// The files of this repository, read once.
enum Repository {
    static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Every Swift file under `Sources`, `Tests` and `tools/benchmarks`.
    static let swiftFiles = files(under: ["Sources", "Tests", "tools/benchmarks"])
        .filter { $0.path.hasSuffix(".swift") }

    static let sources = swiftFiles.filter { $0.path.hasPrefix("Sources/") }

    /// Every file we wrote under the folders that belong to the package.
    static func files(under folders: [String]) -> [RepositoryFile] {
        folders.flatMap { folder -> [RepositoryFile] in
            let base = root.appending(path: folder)
            let names = FileManager.default.enumerator(atPath: base.path) ?? .init()
            return names.compactMap { $0 as? String }
                .filter { !$0.split(separator: "/").contains { $0.hasPrefix(".") } }
                .sorted()
                .compactMap { RepositoryFile(path: "\(folder)/\($0)") }
        }
    }

    static func entries(of folder: String) -> [String] {
        let path = root.appending(path: folder).path
        return ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
    }

    static func folders(of folder: String) -> [String] {
        entries(of: folder).filter { name in
            let path = root.appending(path: "\(folder)/\(name)").path
            var isFolder: ObjCBool = false
            return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
                && isFolder.boolValue && !name.hasPrefix(".")
        }
    }
}

/// One text file: its path from the root, its lines, and its lines without comments and strings.
struct RepositoryFile: Sendable {
    let path: String
    let lines: [String]
    let code: [String]

    /// Nil for what is a folder or not text.
    init?(path: String) {
        guard
            let bytes = try? Data(contentsOf: Repository.root.appending(path: path)),
            let text = String(data: bytes, encoding: .utf8)
        else { return nil }
        self.path = path
        lines = text.components(separatedBy: "\n")
        code =
            path.hasSuffix(".swift")
            ? SourceText.blanked(text).components(separatedBy: "\n") : lines
    }

    var name: String { path.components(separatedBy: "/").last ?? path }

    /// The target's folder: `Sources/Saga/Steps/Step.swift` is in `Saga`.
    var target: String {
        let parts = path.components(separatedBy: "/")
        return parts.count > 2 ? parts[1] : ""
    }

    var folders: [String] { Array(path.components(separatedBy: "/").dropLast()) }
}

/// What broke which rule, and where.
///
/// Printed as `file:line: rule`.
struct Violation: CustomStringConvertible {
    let path: String
    let line: Int
    let rule: String

    init(_ file: RepositoryFile, _ index: Int, _ rule: String) {
        path = file.path
        line = index + 1
        self.rule = rule
    }

    init(_ path: String, _ rule: String) {
        self.path = path
        line = 1
        self.rule = rule
    }

    var description: String { "\(path):\(line): \(rule)" }
}

/// Records one issue for each violation, so that each can be clicked on.
func expectNone(
    _ violations: [Violation], sourceLocation: SourceLocation = #_sourceLocation
) {
    for violation in violations {
        Issue.record("\(violation)", sourceLocation: sourceLocation)
    }
}
