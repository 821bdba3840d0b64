import Foundation
import Testing

/// The top of the house, and the map that stands in the README.
@Suite(.timeLimit(.minutes(1)))
struct HouseTests {
    private static let topLevel: Set<String> = [
        "LICENSE", "Package.swift", "README.md", "Sources", "Tests", "deploy", "tools",
    ]

    /// `Package.resolved` is written by every build and is not part of the repository.
    @Test func onlyTheseStandAtTheTop() {
        let extra = Repository.entries(of: ".")
            .filter { !$0.hasPrefix(".") && $0 != "Package.resolved" }
            .filter { !Self.topLevel.contains($0) }
        #expect(extra.isEmpty, "not at the top level: \(extra)")
        #expect(Self.topLevel.isSubset(of: Repository.entries(of: ".")))
    }

    @Test func theReadmeMapsEveryModule() throws {
        let readme = try #require(RepositoryFile(path: "README.md"))
        let rows = readme.lines.filter { $0.hasPrefix("| `") }
        let missing = Repository.folders(of: "Sources").filter { folder in
            !rows.contains { $0.hasPrefix("| `\(folder)`") }
        }
        #expect(missing.isEmpty, "README.md: the module map has no row for \(missing)")
    }

    @Test func everyPathInTheReadmeExists() throws {
        let readme = try #require(RepositoryFile(path: "README.md"))
        var violations: [Violation] = []
        for (index, line) in readme.lines.enumerated() {
            for match in line.matches(of: #/`((?:Sources|Tests|tools|deploy)/[\w./+-]+)`/#) {
                let path = Repository.root.appending(path: String(match.1)).path
                guard !FileManager.default.fileExists(atPath: path) else { continue }
                violations.append(Violation(readme, index, "\(match.1) does not exist"))
            }
        }
        expectNone(violations)
    }

    /// What a reader copies is compiled and run.
    @Test func theSagasInTheReadmeAreThoseOfTheTests() throws {
        let readme = try #require(RepositoryFile(path: "README.md"))
        let shown = readme.shownCode
        let tested = try [
            "StaySaga", "StayTests", "TripSaga", "BreakfastSaga", "StayProgram",
        ].map { name in
            let path = "Tests/SagaTestKitTests/\(name).swift"
            return try #require(RepositoryFile(path: path)).lines.dropLast()
        }

        #expect(shown == tested.map { Array($0) })
        for (code, limit) in zip(shown, [30, 20, 60, 25, 30]) { #expect(code.count <= limit) }
    }

    /// The pages of the libraries that such a program is made of.
    @Test(arguments: [("Gateway", 0), ("GatewayRedis", 0), ("ServiceHTTP", 1)])
    func thePagesOfTheLibrariesShowTheProgramOfTheTests(library: String, block: Int) throws {
        let path = "Tests/SagaTestKitTests/StayProgram.swift"
        let program = try #require(RepositoryFile(path: path)).lines.joined(separator: "\n")
        let page = try #require(
            RepositoryFile(path: "Sources/\(library)/\(library).docc/\(library).md"))
        let blocks = page.shownCode

        try #require(blocks.count > block)
        let shown = blocks[block].joined(separator: "\n")
        #expect(!shown.isEmpty && program.contains(shown))
    }

    @Test func noFolderIsEmptyOrHoldsAPlaceholder() {
        let files = Repository.files(under: ["Sources", "Tests"])
        let placeholders = files.filter { $0.name == "Placeholder.swift" }
            .map { Violation($0.path, "a placeholder") }
        expectNone(placeholders)
    }

    @Test func scriptsCanBeRun() {
        let scripts = [
            "tools/start", "tools/test", "tools/check", "tools/install", "tools/simulate",
            ".ci/run",
        ]
        let stiff = scripts.filter {
            !FileManager.default.isExecutableFile(atPath: Repository.root.appending(path: $0).path)
        }
        #expect(stiff.isEmpty, "not executable: \(stiff)")
    }
}

extension RepositoryFile {
    /// The Swift code that a page shows, block by block.
    fileprivate var shownCode: [[String]] {
        lines.indices.filter { lines[$0] == "```swift" }.map { first in
            Array(lines[(first + 1)...].prefix { $0 != "```" })
        }
    }
}
