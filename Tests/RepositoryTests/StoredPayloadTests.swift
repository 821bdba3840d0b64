import Testing

/// A payload that is changed is taken out of its state first.
///
///     guard case .busy(var body) = state else { return }
///     state = .closed             without this line `state` keeps a second reference,
///     body.append(piece)          and here everything gathered so far is copied, each time
///     state = .busy(body)
@Suite(.timeLimit(.minutes(1)))
struct StoredPayloadTests {
    @Test func aPayloadIsTakenOutBeforeItIsChanged() {
        let violations = Repository.sources.flatMap { file in
            Self.copies(in: file.code).map {
                Violation(file, $0, "assign the state anew before its payload is changed")
            }
        }
        expectNone(violations)
    }

    @Test func theRuleSeesWhatItIsFor() {
        let start = "guard case .busy(var body, let promise) = state else { return }"
        let end = ["body.append(piece)", "state = .busy(body, promise)"]
        #expect(Self.copies(in: [start] + end) == [0])
        #expect(Self.copies(in: [start, "state = .closed"] + end) == [])
        #expect(Self.copies(in: ["if case var .busy(body) = lane.state {", "}"]) == [])

        let cases = ["switch lane.state {", "case .busy(var body):", "    body[1] = 2"]
        let assigned = "    lane.state = .busy(body)"
        #expect(Self.copies(in: cases + [assigned, "}"]) == [1])
        let taken = [cases[0], cases[1], "    lane.state = .idle", cases[2], assigned, "}"]
        #expect(Self.copies(in: taken) == [])
        #expect(Self.copies(in: cases + ["}"]) == [], "nothing is stored")
    }

    /// The lines that take a payload out of a stored state to change it, and leave it there too.
    private static func copies(in code: [String]) -> [Int] {
        code.indices.filter { index in
            guard let match = code[index].firstMatch(of: #/\bcase\s.*?\.\w+\((.*)/#) else {
                return false
            }
            let names =
                code[index].contains("case var ")
                ? match.1.matches(of: #/\b\w+\b/#).map { String($0.0) }
                : match.1.matches(of: #/\bvar\s+(\w+)/#).map { String($0.1) }
            guard let source = source(of: index, in: code), !names.isEmpty else { return false }
            let assignment = "\(source) = "
            for line in code[(index + 1)...].prefix(30) {
                let text = line.trimmingPrefix(while: \.isWhitespace)
                if text.hasPrefix(assignment) || text.hasPrefix("self.\(assignment)") {
                    return false
                }
                let changes = names.contains { name in
                    text.hasPrefix("\(name).") || text.hasPrefix("\(name)[")
                        || text.contains("= \(name).") || text.contains("(\(name).")
                        || text.contains(" \(name).")
                }
                if changes { return code.contains { stores($0, assignment) } }
                if text.hasPrefix("case .") { return false }
            }
            return false
        }
    }

    /// Whether a line assigns to what was matched, and does not declare it.
    private static func stores(_ line: String, _ assignment: String) -> Bool {
        let text = line.trimmingPrefix(while: \.isWhitespace)
        return text.hasPrefix(assignment) || text.hasPrefix("self.\(assignment)")
            || text.hasPrefix("case ") && text.contains(": \(assignment)")
    }

    /// What is matched: behind the pattern, or at the head of its `switch`.
    private static func source(of index: Int, in code: [String]) -> String? {
        if let match = code[index].firstMatch(of: #/\)\s*=\s*([\w.]+)/#) { return String(match.1) }
        guard code[index].trimmingPrefix(while: \.isWhitespace).hasPrefix("case ") else {
            return nil
        }
        let depth = code[index].prefix(while: \.isWhitespace).count
        for line in code[..<index].reversed() {
            guard let match = line.firstMatch(of: #/\bswitch\s+([\w.]+)\s*\{/#),
                line.prefix(while: \.isWhitespace).count <= depth
            else { continue }
            return String(match.1)
        }
        return nil
    }
}
