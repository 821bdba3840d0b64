import Foundation
import Testing

/// Limits on what one has to read at once.
@Suite(.timeLimit(.minutes(1)))
struct SizeTests {
    private static let linesPerFile = 600
    private static let linesPerFunction = 70
    private static let columns = 100
    private static let foldersUnderTarget = 2

    @Test func filesAreShort() {
        let violations = Repository.swiftFiles
            .filter { $0.lines.count - 1 > Self.linesPerFile }
            .map { Violation($0.path, "\($0.lines.count - 1) lines, at most \(Self.linesPerFile)") }
        expectNone(violations)
    }

    @Test func functionsAreShort() {
        var violations: [Violation] = []
        for file in Repository.swiftFiles {
            for function in file.functions where function.count > Self.linesPerFunction {
                let rule = "a function of \(function.count) lines, at most \(Self.linesPerFunction)"
                violations.append(Violation(file, function.lowerBound, rule))
            }
        }
        expectNone(violations)
    }

    @Test func functionsAreMostlyVeryShort() {
        let lengths = Repository.sources.flatMap { $0.functions.map(\.count) }.sorted()
        let median = lengths.isEmpty ? 0 : lengths[lengths.count / 2]
        #expect(median < 12, "the median function of Sources has \(median) lines")
    }

    @Test func linesAreShort() {
        var violations: [Violation] = []
        for file in Repository.swiftFiles {
            for (index, line) in file.lines.enumerated() where line.count > Self.columns {
                violations.append(
                    Violation(file, index, "\(line.count) columns, at most \(Self.columns)"))
            }
        }
        expectNone(violations)
    }

    @Test func foldersAreShallow() {
        // Sources, the target, then at most two more.
        let violations = (Repository.sources + Repository.swiftFiles)
            .filter { !$0.path.hasPrefix("tools/") }
            .filter { $0.folders.count > 2 + Self.foldersUnderTarget }
            .map { Violation($0.path, "at most two folders under a target") }
        expectNone(violations)
    }
}

extension RepositoryFile {
    /// The lines of every function, initialiser, subscript and computed property with a body,
    /// from its declaration to its closing brace.
    var functions: [Range<Int>] {
        let text = Array(code.joined(separator: "\n").utf8)
        var lineOf = [Int](repeating: 0, count: text.count + 1)
        for index in text.indices {
            lineOf[index + 1] = lineOf[index] + (text[index] == UInt8(ascii: "\n") ? 1 : 0)
        }
        return declarations(in: text).compactMap { start, open in
            closing(of: open, in: text).map { lineOf[start]..<(lineOf[$0] + 1) }
        }
    }

    /// Where each declaration starts and where its body opens.
    private func declarations(in text: [UInt8]) -> [(Int, Int)] {
        var result: [(Int, Int)] = []
        var position = 0
        while position < text.count {
            guard let word = word(at: position, in: text) else {
                position += 1
                continue
            }
            defer { position = word.end }
            let isMember = position > 0 && text[position - 1] == UInt8(ascii: ".")
            guard !isMember, ["func", "init", "subscript", "deinit", "var"].contains(word.text)
            else { continue }
            if let open = body(after: word.end, keyword: word.text, in: text) {
                result.append((position, open))
            }
        }
        return result
    }

    /// The brace that opens the body of the declaration whose keyword ends at `start`;
    /// nil for a requirement of a protocol, a call, or a stored property.
    private func body(after start: Int, keyword: String, in text: [UInt8]) -> Int? {
        let ends: Set<String> = [
            "func", "init", "var", "let", "case", "static", "public", "private", "package",
            "mutating", "subscript", "associatedtype", "typealias", "deinit", "internal",
        ]
        var depth = 0
        var position = start
        while position < text.count {
            if let word = word(at: position, in: text) {
                if depth == 0, ends.contains(word.text) { return nil }
                position = word.end
                continue
            }
            switch text[position] {
            case UInt8(ascii: "("), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: ")"), UInt8(ascii: "]"): depth -= 1
            case UInt8(ascii: "{") where depth == 0: return position
            case UInt8(ascii: "}") where depth == 0: return nil
            case UInt8(ascii: "=") where depth == 0 && keyword == "var": return nil
            default: break
            }
            if depth < 0 { return nil }
            position += 1
        }
        return nil
    }

    private func closing(of open: Int, in text: [UInt8]) -> Int? {
        var depth = 0
        for position in open..<text.count {
            if text[position] == UInt8(ascii: "{") { depth += 1 }
            if text[position] == UInt8(ascii: "}") { depth -= 1 }
            if depth == 0 { return position }
        }
        return nil
    }

    private func word(at start: Int, in text: [UInt8]) -> (text: String, end: Int)? {
        func isPart(_ byte: UInt8) -> Bool {
            byte == UInt8(ascii: "_") || (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A)
                || (byte >= 0x30 && byte <= 0x39)
        }
        guard isPart(text[start]) else { return nil }
        var end = start
        while end < text.count, isPart(text[end]) { end += 1 }
        return (String(decoding: text[start..<end], as: UTF8.self), end)
    }
}
