/// Walks over one JSON text (RFC 8259) without building a tree.
///
/// Strict: no trailing commas, no comments, and in strings no control characters, broken UTF-8 or
/// half surrogate pairs. It can decode a string or an integer, and step over any value, saying
/// where it lies. Whether something follows the value is for the caller to ask.
package struct JSONScanner {
    /// Deeper nesting is refused, so that no text can exhaust the stack.
    package static let depthMaximum = 128

    /// A string where it lies.
    package struct Text {
        /// What stands between the quotation marks.
        package var content: Range<Int>
        /// Whether its content is ASCII without escapes, and so is the text itself.
        package var isPlain: Bool

        @inlinable
        package init(content: Range<Int>, isPlain: Bool) {
            self.content = content
            self.isPlain = isPlain
        }
    }

    /// The whole text.
    @usableFromInline
    package let bytes: UnsafeBufferPointer<UInt8>
    /// How many bytes lie behind.
    @usableFromInline
    package var position = 0
    /// Without a limit the text was scanned before.
    @usableFromInline
    package let depthMaximum: Int

    /// A scanner at the beginning of bytes that stay where they are.
    package init(_ bytes: UnsafeBufferPointer<UInt8>, depthMaximum: Int = Self.depthMaximum) {
        self.bytes = bytes
        self.depthMaximum = depthMaximum
    }

    /// A scanner at the beginning of a value that another scanner has stepped over.
    package init(checked bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
        depthMaximum = .max
    }

    /// Whether what strings hold need not be checked again.
    ///
    /// Not a property of its own: a scanner of one word more is handed around more slowly.
    @inlinable
    package var isChecked: Bool { depthMaximum == .max }

    /// Whether nothing is left, not even space.
    @inlinable
    package var isAtEnd: Bool { position == bytes.count }

    /// Steps over white space.
    @inlinable
    package mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }

    /// The next byte that is not a space, left where it is.
    @inlinable
    package mutating func peek() -> UInt8? {
        skipSpace()
        return position < bytes.count ? bytes[position] : nil
    }

    /// Steps over the character if it comes next, after white space.
    @inlinable
    package mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard peek() == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    /// Steps over the character, which has to come next, after white space.
    @inlinable
    package mutating func expect(_ character: Unicode.Scalar) throws(JSONFault) {
        guard take(character) else { throw missing(character) }
    }

    /// Steps over the string that comes next and returns where it lies.
    @inlinable
    package mutating func text() throws(JSONFault) -> Text {
        let text = try uncheckedText()
        if !text.isPlain, !isChecked { try check(text) }
        return text
    }

    /// Decodes a string.
    @usableFromInline
    package func string(_ text: Text) throws(JSONFault) -> String {
        let slice = content(text)
        if text.isPlain { return String(decoding: slice, as: UTF8.self) }
        if slice.contains(UInt8(ascii: "\\")) { return try unescaped(slice) }
        guard let string = String(validating: slice, as: UTF8.self) else {
            throw fault("broken UTF-8")
        }
        return string
    }

    /// Hands out a string's UTF-8, decoded where that makes a difference.
    @inlinable
    package func withUTF8<Answer>(
        _ text: Text, _ body: (UnsafeBufferPointer<UInt8>) -> Answer
    ) throws(JSONFault) -> Answer {
        if text.isPlain { return body(content(text)) }
        var decoded = try string(text)
        return decoded.withUTF8(body)
    }

    /// What stands between the quotation marks.
    @inlinable
    package func content(_ text: Text) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(rebasing: bytes[text.content])
    }

    /// Decodes the whole number that comes next.
    package mutating func integer() throws(JSONFault) -> Int {
        skipSpace()
        let start = position
        try skipNumber()
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        guard let number = Int(text) else { throw fault("expected a whole number") }
        return number
    }

    /// Steps over the value that comes next and returns where it lies.
    package mutating func skipValue(depth: Int = 0) throws(JSONFault) -> Range<Int> {
        guard let first = peek() else { throw fault("unexpected end") }
        guard depth < depthMaximum else { throw fault("nested too deeply") }
        let start = position
        switch first {
        case UInt8(ascii: "\""): _ = try text()
        case UInt8(ascii: "{"): try skipObject(depth: depth)
        case UInt8(ascii: "["): try skipArray(depth: depth)
        case UInt8(ascii: "t"): try skipLiteral("true")
        case UInt8(ascii: "f"): try skipLiteral("false")
        case UInt8(ascii: "n"): try skipLiteral("null")
        default: try skipNumber()
        }
        return start..<position
    }

    /// What is wrong here.
    @usableFromInline
    package func fault(_ message: String) -> JSONFault {
        JSONFault(message: message, offset: position)
    }

    @usableFromInline
    package func missing(_ character: Unicode.Scalar) -> JSONFault {
        fault("expected \(character)")
    }

    // MARK: - Values

    private mutating func skipObject(depth: Int) throws(JSONFault) {
        try expect("{")
        if take("}") { return }
        repeat {
            skipSpace()
            _ = try text()
            try expect(":")
            _ = try skipValue(depth: depth + 1)
        } while take(",")
        try expect("}")
    }

    private mutating func skipArray(depth: Int) throws(JSONFault) {
        try expect("[")
        if take("]") { return }
        repeat {
            _ = try skipValue(depth: depth + 1)
        } while take(",")
        try expect("]")
    }

    private mutating func skipLiteral(_ word: StaticString) throws(JSONFault) {
        let matches = word.withUTF8Buffer { word in
            bytes.count - position >= word.count
                && bytes[position..<position + word.count].elementsEqual(word)
        }
        guard matches else { throw fault("unknown word") }
        position += word.utf8CodeUnitCount
    }

    private mutating func skipNumber() throws(JSONFault) {
        if position < bytes.count, bytes[position] == UInt8(ascii: "-") { position += 1 }
        let leadingZero = position < bytes.count && bytes[position] == UInt8(ascii: "0")
        let digits = skipDigits()
        guard digits > 0, digits == 1 || !leadingZero else { throw fault("expected a value") }
        if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
            position += 1
            guard skipDigits() > 0 else { throw fault("expected a digit") }
        }
        if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
            position += 1
            if position < bytes.count, bytes[position] == 0x2B || bytes[position] == 0x2D {
                position += 1
            }
            guard skipDigits() > 0 else { throw fault("expected a digit") }
        }
    }

    private mutating func skipDigits() -> Int {
        let start = position
        while position < bytes.count, bytes[position] >= 0x30, bytes[position] <= 0x39 {
            position += 1
        }
        return position - start
    }

    // MARK: - Strings

    /// Finds the end of a string; what it holds is checked by who asked.
    @inlinable
    package mutating func uncheckedText() throws(JSONFault) -> Text {
        try expect("\"")
        let start = position
        var hasEscapes = false
        var seen: UInt8 = 0
        while true {
            position += bytes.plainLength(from: position)
            guard position < bytes.count else { break }
            switch bytes[position] {
            case UInt8(ascii: "\""):
                position += 1
                return Text(
                    content: start..<position - 1, isPlain: !hasEscapes && seen < 0x80)
            case UInt8(ascii: "\\"):
                hasEscapes = true
                position += 2
            case ..<0x20:
                throw fault("control character in a string")
            case let byte:
                seen |= byte
                repeat { position += 1 } while position < bytes.count && bytes[position] >= 0x80
            }
        }
        position = bytes.count
        throw fault("string without an end")
    }

    /// Refuses what `string` would refuse, without making the string.
    @usableFromInline
    package func check(_ text: Text) throws(JSONFault) {
        let raw = content(text)
        let hasEscapes = raw.contains(UInt8(ascii: "\\"))
        var at = hasEscapes ? 0 : raw.count
        while at < raw.count {
            at += raw[at] == UInt8(ascii: "\\") ? try escape(raw, at: at).length : 1
        }
        guard raw.areUTF8 else { throw fault(hasEscapes ? "broken UTF-8 before" : "broken UTF-8") }
    }

    private func unescaped(_ raw: UnsafeBufferPointer<UInt8>) throws(JSONFault) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(raw.count)
        var at = 0
        while at < raw.count {
            if raw[at] == UInt8(ascii: "\\") {
                let (scalar, length) = try escape(raw, at: at)
                text.append(contentsOf: String(scalar).utf8)
                at += length
            } else {
                text.append(raw[at])
                at += 1
            }
        }
        guard let string = String(validating: text, as: UTF8.self) else {
            throw fault("broken UTF-8 before")
        }
        return string
    }

    /// What an escape stands for, and how long it is.
    private func escape(
        _ raw: UnsafeBufferPointer<UInt8>, at start: Int
    ) throws(JSONFault) -> (scalar: Unicode.Scalar, length: Int) {
        guard start + 1 < raw.count else { throw fault("broken escape before") }
        switch raw[start + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"):
            return (Unicode.Scalar(raw[start + 1]), 2)
        case UInt8(ascii: "b"): return ("\u{8}", 2)
        case UInt8(ascii: "f"): return ("\u{C}", 2)
        case UInt8(ascii: "n"): return ("\n", 2)
        case UInt8(ascii: "r"): return ("\r", 2)
        case UInt8(ascii: "t"): return ("\t", 2)
        case UInt8(ascii: "u"): return try unicodeEscape(raw, at: start)
        default: throw fault("broken escape before")
        }
    }

    /// A scalar above U+FFFF takes two escapes; half of such a pair is refused.
    private func unicodeEscape(
        _ raw: UnsafeBufferPointer<UInt8>, at start: Int
    ) throws(JSONFault) -> (scalar: Unicode.Scalar, length: Int) {
        let first = try codeUnit(raw, at: start)
        if let scalar = Unicode.Scalar(first) { return (scalar, 6) }
        guard first < 0xDC00, start + 7 < raw.count, raw[start + 6] == UInt8(ascii: "\\"),
            raw[start + 7] == UInt8(ascii: "u")
        else { throw fault("half a surrogate pair before") }
        let second = try codeUnit(raw, at: start + 6)
        guard (0xDC00..<0xE000).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw fault("half a surrogate pair before") }
        return (scalar, 12)
    }

    private func codeUnit(
        _ raw: UnsafeBufferPointer<UInt8>, at start: Int
    ) throws(JSONFault) -> UInt32 {
        guard start + 6 <= raw.count else { throw fault("broken escape before") }
        var unit: UInt32 = 0
        for digit in raw[start + 2..<start + 6] {
            switch digit {
            case 0x30...0x39: unit = unit << 4 | UInt32(digit - 0x30)
            case 0x41...0x46, 0x61...0x66: unit = unit << 4 | UInt32((digit | 0x20) - 0x57)
            default: throw fault("broken escape before")
            }
        }
        return unit
    }
}
