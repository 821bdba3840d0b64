import Foundation
import Testing

/// What must not stand in `Sources`.
@Suite(.timeLimit(.minutes(1)))
struct CodeRulesTests {
    private typealias Rule = (pattern: Regex<Substring>, reason: String)

    @Test func nothingIsForced() {
        let rules: [Rule] = [
            (#/\btry!/#, "try! turns an error into a crash"),
            (#/\bas!/#, "as! turns a wrong type into a crash"),
            (#/[\w)\]>"]!(?![=])/#, "a forced value turns nil into a crash"),
            (#/\bfatalError\b/#, "throw, or trap with preconditionFailure naming the state"),
            (#/\bunowned\(unsafe\)/#, "unowned(unsafe) is a dangling pointer in waiting"),
        ]
        let violations = violations(of: rules, in: Repository.sources, lines: \.code)
        expectNone(violations)
    }

    @Test func nothingIsLeftToDo() {
        let rules: [Rule] = [
            (#/\b(?:TODO|FIXME|XXX|HACK)\b/#, "finish it, or open an issue and drop the note")
        ]
        let violations = violations(of: rules, in: Repository.sources, lines: \.lines)
        expectNone(violations)
    }

    @Test func noBannerComments() {
        let rules: [Rule] = [
            (#/^\s*//\s*[-=*#]{4,}/#, "a banner; use a MARK between real sections"),
            (#/^//\s+(?:Created by|Copyright|\w+\.swift\s*$)/#, "no authors, dates, file names"),
        ]
        let violations = violations(of: rules, in: Repository.swiftFiles, lines: \.lines)
        expectNone(violations)
    }

    /// A blocked thread is half of a two-core machine's task threads.
    @Test func tasksNeverBlockTheirThread() {
        let rules: [Rule] = [
            (#/\bDispatchSemaphore\b/#, "a semaphore blocks a task thread"),
            (#/\breadLine\((?:\)|strippingNewline)/#, "readLine blocks a task thread"),
            (#/\bThread\.sleep\b|\busleep\(|\bsleep\(\d/#, "sleeping blocks a task thread"),
            (#/[fF]uture\)?\.wait\(\)|syncShutdown/#, "wait() on a future blocks a task thread"),
        ]
        let violations = violations(of: rules, in: Repository.sources, lines: \.code)
        expectNone(violations)
    }

    @Test func testsWaitForConditionsInsteadOfSleeping() {
        let rules: [Rule] = [
            (#/\bThread\.sleep\b|\busleep\(|\bimport XCTest\b/#, "wait for a condition instead"),
            (
                #/\bwhile (?!.*isCancelled).*\{ await Task\.yield\(\) \}/#,
                "a test whose time is over has to end, or it takes the time of all others"
            ),
        ]
        let tests = Repository.swiftFiles.filter { $0.path.hasPrefix("Tests/") }
        let violations = violations(of: rules, in: tests, lines: \.code)
        expectNone(violations)
    }

    /// Who waits for a condition ends as soon as it holds; who sleeps, too early or too late.
    ///
    /// A handler that hangs until it is cancelled may sleep for an hour: nobody waits for it.
    @Test func onlyTheWaitingToolSleepsInTests() {
        let rules: [Rule] = [
            (
                #/\bTask\.sleep\b(?!\(for: \.seconds\(3_600\)\))/#,
                "wait for a condition, with `eventually` or `until`"
            ),
            (#/\bContinuousClock\(\)\.sleep\b/#, "wait for a condition instead"),
        ]
        let mayWait = [
            // The waiting tool of tests that have nothing to do with Redis.
            "Tests/GatewayTests/Server/CountingConnection.swift",
            // A server that takes its time for an answer.
            "Tests/ServiceHTTPTests/Calls/JSONClientTests.swift",
        ]
        let tests = Repository.swiftFiles.filter {
            $0.path.hasPrefix("Tests/") && !mayWait.contains($0.path)
        }
        expectNone(violations(of: rules, in: tests, lines: \.code))
    }

    @Test func everySuiteHasATimeLimit() {
        var violations: [Violation] = []
        for file in Repository.swiftFiles where file.path.hasPrefix("Tests/") {
            for (index, line) in file.code.enumerated() where line.contains("@Suite") {
                let head = file.code[index..<min(file.code.count, index + 6)].joined()
                let attribute = head.components(separatedBy: "struct ")[0]
                guard !attribute.contains("timeLimit") else { continue }
                violations.append(Violation(file, index, "a suite without .timeLimit can hang"))
            }
        }
        expectNone(violations)
    }

    @Test func publicDeclarationsAreDocumented() {
        let declaration =
            #/
            ^\s* public\s (?!import|extension) (?:[\w()]+\s)*
            (?:func|var|let|init|struct|class|enum|actor|protocol|typealias|subscript)\b
            /#
        var violations: [Violation] = []
        for file in Repository.sources {
            for (index, line) in file.code.enumerated()
            where line.firstMatch(of: declaration) != nil && !file.isDocumented(at: index) {
                violations.append(Violation(file, index, "a public declaration without contract"))
            }
        }
        expectNone(violations)
    }

    private func violations(
        of rules: [Rule], in files: [RepositoryFile], lines: (RepositoryFile) -> [String]
    ) -> [Violation] {
        files.flatMap { file in
            lines(file).enumerated().flatMap { index, line in
                rules.compactMap { rule in
                    line.firstMatch(of: rule.pattern) == nil
                        ? nil : Violation(file, index, rule.reason)
                }
            }
        }
    }
}

extension RepositoryFile {
    /// Whether a doc comment stands above the line, attributes and `#if` in between allowed.
    fileprivate func isDocumented(at index: Int) -> Bool {
        for line in lines[..<index].reversed() {
            let text = line.trimmingPrefix(while: \.isWhitespace)
            if text.hasPrefix("///") { return true }
            guard text.hasPrefix("@") || text.hasPrefix("#if") else { return false }
        }
        return false
    }
}
