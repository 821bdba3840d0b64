import Foundation
import Testing

/// Names say what a thing is for.
@Suite(.timeLimit(.minutes(1)))
struct NamesTests {
    private static let emptyWords = [
        "Core", "Common", "Utils", "Utilities", "Helper", "Helpers", "Shared", "Extensions",
        "Manager", "Misc",
    ]

    /// Declared where somebody else's protocol or specification chose the name.
    private static let namesFromElsewhere: [String: String] = [
        "Sources/CloudEvents/": "`data` is an attribute of CloudEvents",
        "Sources/Saga/Definition/Transition.swift": "an event's `data`, before it is an event",
        "Sources/TroupeRedis/": "`INFO` is a command of Redis",
    ]

    @Test func foldersAndFilesAreNamedForWhatTheyAre() {
        var violations: [Violation] = []
        for file in Repository.files(under: ["Sources", "Tests"]) {
            let stem = file.name.components(separatedBy: ".")[0]
            for part in file.folders + stem.components(separatedBy: "+")
            where Self.emptyWords.contains(where: { part == $0 || part.hasSuffix($0) }) {
                violations.append(Violation(file.path, "`\(part)` says nothing"))
            }
        }
        expectNone(violations)
    }

    @Test func noFileNameStandsTwice() {
        let files = Repository.files(under: ["Sources", "Tests"])
            .filter { $0.name.hasSuffix(".swift") && $0.name != "Main.swift" }
        let violations = Dictionary(grouping: files, by: \.name).values
            .filter { $0.count > 1 }
            .flatMap { $0.map { Violation($0.path, "another file is called \($0.name) too") } }
        expectNone(violations)
    }

    @Test func declarationsAreNamedForWhatTheyDo() {
        let declaration = #/\b(?:func|var|let|case)\s+(handle|process|data|info|doIt)\b/#
        var violations: [Violation] = []
        for file in Repository.sources
        where !Self.namesFromElsewhere.keys.contains(where: { file.path.hasPrefix($0) }) {
            for (index, line) in file.code.enumerated() {
                guard let match = line.firstMatch(of: declaration),
                    !file.conformsToMiddleware(at: index)
                else { continue }
                violations.append(Violation(file, index, "`\(match.1)` alone is not a name"))
            }
        }
        expectNone(violations)
    }

    @Test func typesAreNotNamedLikeTheirModule() {
        let declaration = #/public\s.*\b(?:struct|class|enum|actor|protocol)\s+(\w+)/#
        var violations: [Violation] = []
        for file in Repository.sources {
            // A search for plain text first: it is a hundred times as fast.
            for (index, line) in file.code.enumerated() where line.contains("public ") {
                guard let match = line.firstMatch(of: declaration), String(match.1) == file.target
                else { continue }
                violations.append(Violation(file, index, "shadows its module's name"))
            }
        }
        expectNone(violations)
    }

    @Test func testsMirrorWhatTheyTest() {
        let targets = Set(Repository.folders(of: "Sources"))
        var violations: [Violation] = []
        let ofSeveral = [
            "RepositoryTests", "SystemTests", "GatewayExplorationTests", "OrderSimulationTests",
        ]
        for folder in Repository.folders(of: "Tests") where !ofSeveral.contains(folder) {
            let target = String(folder.dropLast("Tests".count))
            guard folder.hasSuffix("Tests"), targets.contains(target) else {
                violations.append(Violation("Tests/\(folder)", "tests no target of Sources"))
                continue
            }
            let mirrored = Set(Repository.folders(of: "Sources/\(target)"))
            for inner in Repository.folders(of: "Tests/\(folder)")
            where inner != "Golden" && !mirrored.contains(inner) {
                violations.append(
                    Violation("Tests/\(folder)/\(inner)", "no such folder in Sources/\(target)"))
            }
        }
        expectNone(violations)
    }
}

extension RepositoryFile {
    /// Hummingbird's middleware protocol calls its one method `handle(_:context:next:)`.
    fileprivate func conformsToMiddleware(at index: Int) -> Bool {
        code[index..<min(code.count, index + 8)].contains { $0.contains("next:") }
    }
}
