import Foundation
import Testing

/// One type, one name: whoever reads a name in a log, a talk or another module knows which it is.
@Suite(.timeLimit(.minutes(1)))
struct TypeNamesTests {
    private static let mayStandTwice: [String: String] = [
        "Main": "where each program begins"
    ]

    /// Files whose names are not ours to choose.
    private static let namesFromElsewhere: [String: String] = [
        "Sources/SagaTestKit/Samples/": "a shop's events, whose names on the wire are their types'",
        "Sources/SagaTestKit/Shop/": "what that shop asks of companies, named by the same rule",
    ]

    @Test func noTypeNameStandsInTwoModules() {
        let declared = Repository.sources
            .filter { file in
                !Self.namesFromElsewhere.keys.contains { file.path.hasPrefix($0) }
            }
            .flatMap { file in TypeDeclaration.all(in: file.code).map { (file, $0) } }
        let namesakes = Dictionary(grouping: declared, by: { $0.1.name })
            .filter { Self.mayStandTwice[$0.key] == nil }
            .filter { Set($0.value.map { $0.0.target }).count > 1 }
        var violations: [Violation] = []
        for (file, type) in namesakes.values.joined() {
            let rule = "another module has a type called \(type.name) too"
            violations.append(Violation(file, type.index, rule))
        }
        expectNone(violations)
    }

    @Test func nestedTypesHaveTheirFullName() {
        let code = """
            struct A {
                private enum B { case c }
                func f() { if true { } }
                final class D:
                    E
                {
                    actor F {}
                }
            }
            extension A.D { struct G {} }
            extension Int { }
            protocol H {}
            """
        let found = TypeDeclaration.all(in: code.components(separatedBy: "\n"))

        #expect(found.map(\.name) == ["A", "A.B", "A.D", "A.D.F", "A.D.G", "H"])
        #expect(found.map(\.index) == [0, 1, 3, 6, 9, 11])
    }
}

/// A struct, class, enumeration, actor or protocol, called by its full name.
private struct TypeDeclaration {
    var name: String
    var index: Int

    private static let words = [
        "struct ", "class ", "enum ", "actor ", "protocol ", "extension ",
    ]

    /// What is declared in lines without comments and strings.
    static func all(in code: [String]) -> [TypeDeclaration] {
        var found: [TypeDeclaration] = []
        // The types around a line, each with the number of braces that are open around it.
        var around: [(name: String, depth: Int)] = []
        var depth = 0
        for (index, line) in code.enumerated() {
            var rest = line[...]
            // A search for plain text first: it is a hundred times as fast.
            let mayDeclare =
                words.contains { line.contains($0) } && !line.contains("import ")
            while mayDeclare, let declaration = firstDeclaration(in: rest) {
                follow(rest[..<declaration.start], &depth, &around)
                let name = (around.map { $0.name } + [declaration.name]).joined(separator: ".")
                if !declaration.isExtension {
                    found.append(TypeDeclaration(name: name, index: index))
                }
                around.append((declaration.name, depth))
                rest = rest[declaration.end...]
            }
            follow(rest, &depth, &around)
        }
        return found
    }

    private static func follow(
        _ text: Substring, _ depth: inout Int, _ around: inout [(name: String, depth: Int)]
    ) {
        for byte in text.utf8 {
            if byte == UInt8(ascii: "{") { depth += 1 }
            guard byte == UInt8(ascii: "}") else { continue }
            depth -= 1
            if around.last?.depth == depth { around.removeLast() }
        }
    }

    private static func firstDeclaration(
        in text: Substring
    ) -> (name: String, isExtension: Bool, start: String.Index, end: String.Index)? {
        let declaration =
            #/\b(struct|class|enum|actor|protocol|extension)\s+([A-Z]\w*(?:\.\w+)*)/#
        guard let match = text.firstMatch(of: declaration) else { return nil }
        return (
            String(match.2), match.1 == "extension", match.range.lowerBound,
            match.range.upperBound
        )
    }
}
