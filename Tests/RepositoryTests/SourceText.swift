/// Swift source with comments and the contents of strings turned into blanks.
///
/// Rules about code then neither see prose nor miscount braces. Lines and columns stay where
/// they were. Quotes stay too, so that `"…"!` is still seen as a forced value.
///
///     let a = "b {" // c {     →     let a = "   "
///
/// Not understood, and not used here: regular expressions without `#`.
struct SourceText {
    private var output: [UInt8] = []
    private var input: [UInt8]
    private var position = 0

    static func blanked(_ source: String) -> String {
        var text = SourceText(input: Array(source.utf8))
        text.code(until: nil)
        return String(decoding: text.output, as: UTF8.self)
    }

    private init(input: [UInt8]) {
        self.input = input
        output.reserveCapacity(input.count)
    }

    /// Code up to `closing` (the parenthesis that ends an interpolation) or the end.
    private mutating func code(until closing: UInt8?) {
        var depth = 0
        while position < input.count {
            if starts("//") {
                blank { $0.input[$0.position] == UInt8(ascii: "\n") }
            } else if starts("/*") {
                blockComment()
            } else if starts("#/") {
                blank { $0.starts("/#") }
                erase(2)
            } else if let hashes = stringStart() {
                string(hashes: hashes)
            } else {
                let byte = input[position]
                if byte == UInt8(ascii: "(") { depth += 1 }
                if byte == UInt8(ascii: ")") {
                    if depth == 0, closing != nil { return }
                    depth -= 1
                }
                keep()
            }
        }
    }

    private mutating func blockComment() {
        var depth = 0
        repeat {
            if starts("/*") {
                depth += 1
                erase(2)
            } else if starts("*/") {
                depth -= 1
                erase(2)
            } else {
                erase(1)
            }
        } while depth > 0 && position < input.count
    }

    private mutating func string(hashes: Int) {
        for _ in 0..<hashes { keep() }
        let quote = starts("\"\"\"") ? "\"\"\"" : "\""
        for _ in 0..<quote.utf8.count { keep() }
        let fence = String(repeating: "#", count: hashes)
        while position < input.count {
            if starts(quote + fence) {
                for _ in 0..<(quote.utf8.count + hashes) { keep() }
                return
            }
            if starts("\\" + fence + "(") {
                erase(2 + hashes)
                code(until: UInt8(ascii: ")"))
                erase(1)
            } else if starts("\\" + fence) {
                erase(2 + hashes)
            } else {
                erase(1)
            }
        }
    }

    /// How many `#` stand before the quote that begins here; nil when no string begins here.
    private func stringStart() -> Int? {
        var index = position
        while index < input.count, input[index] == UInt8(ascii: "#") { index += 1 }
        guard index < input.count, input[index] == UInt8(ascii: "\"") else { return nil }
        return index - position
    }

    private func starts(_ text: String) -> Bool {
        position + text.utf8.count <= input.count
            && input[position..<(position + text.utf8.count)].elementsEqual(text.utf8)
    }

    private mutating func keep() {
        guard position < input.count else { return }
        output.append(input[position])
        position += 1
    }

    private mutating func erase(_ count: Int) {
        for _ in 0..<count where position < input.count {
            let isNewline = input[position] == UInt8(ascii: "\n")
            output.append(isNewline ? UInt8(ascii: "\n") : UInt8(ascii: " "))
            position += 1
        }
    }

    private mutating func blank(until isEnd: (Self) -> Bool) {
        while position < input.count, !isEnd(self) { erase(1) }
    }
}
