/// Walks over one JSON text (RFC 8259) without building a tree.
///
/// Strict: no trailing commas, no comments, no control characters or broken UTF-8 in strings,
/// no text after the value. It can decode a string or an integer, and step over any value,
/// saying where it lies, which is all that an envelope needs.
struct JSONScanner {
    /// Deeper nesting is refused, so that no text can exhaust the stack.
    static let depthMaximum = 128

    /// A string where it lies.
    struct Text {
        var content: Range<Int>
        /// Whether its content is ASCII without escapes, and so is the text itself.
        var isPlain: Bool
    }

    private let bytes: UnsafeBufferPointer<UInt8>
    private(set) var position = 0

    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
    }

    var isAtEnd: Bool { position == bytes.count }

    mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }

    /// The next byte that is no space, left where it is.
    mutating func peek() -> UInt8? {
        skipSpace()
        return position < bytes.count ? bytes[position] : nil
    }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard peek() == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    mutating func expect(_ character: Unicode.Scalar) throws(CloudEventError) {
        guard take(character) else { throw fault("expected \(character)") }
    }

    /// Steps over the string that comes next and answers where it lies.
    mutating func text() throws(CloudEventError) -> Text {
        let (content, hasEscapes, isASCII) = try stringContent()
        let text = Text(content: content, isPlain: isASCII && !hasEscapes)
        if !text.isPlain { _ = try string(text) }
        return text
    }

    /// Decodes a string.
    func string(_ text: Text) throws(CloudEventError) -> String {
        let slice = content(text)
        if text.isPlain { return String(decoding: slice, as: UTF8.self) }
        if slice.contains(UInt8(ascii: "\\")) { return try unescaped(slice) }
        guard let string = String(validating: slice, as: UTF8.self) else {
            throw fault("broken UTF-8")
        }
        return string
    }

    /// Hands out a string's UTF-8, decoded where that makes a difference.
    func withUTF8<Answer>(
        _ text: Text, _ body: (UnsafeBufferPointer<UInt8>) -> Answer
    ) throws(CloudEventError) -> Answer {
        if text.isPlain { return body(content(text)) }
        var decoded = try string(text)
        return decoded.withUTF8(body)
    }

    /// What stands between the quotation marks.
    func content(_ text: Text) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(rebasing: bytes[text.content])
    }

    /// Decodes the whole number that comes next.
    mutating func integer() throws(CloudEventError) -> Int {
        skipSpace()
        let start = position
        try skipNumber()
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        guard let number = Int(text) else { throw fault("expected a whole number") }
        return number
    }

    /// Steps over the value that comes next and answers where it lies.
    mutating func skipValue(depth: Int = 0) throws(CloudEventError) -> Range<Int> {
        guard let first = peek() else { throw fault("unexpected end") }
        guard depth < Self.depthMaximum else { throw fault("nested too deeply") }
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

    func fault(_ message: String) -> CloudEventError {
        CloudEventError(.malformed, "\(message) at byte \(position)")
    }

    // MARK: - Values

    private mutating func skipObject(depth: Int) throws(CloudEventError) {
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

    private mutating func skipArray(depth: Int) throws(CloudEventError) {
        try expect("[")
        if take("]") { return }
        repeat {
            _ = try skipValue(depth: depth + 1)
        } while take(",")
        try expect("]")
    }

    private mutating func skipLiteral(_ word: StaticString) throws(CloudEventError) {
        let matches = word.withUTF8Buffer { word in
            bytes.count - position >= word.count
                && bytes[position..<position + word.count].elementsEqual(word)
        }
        guard matches else { throw fault("unknown word") }
        position += word.utf8CodeUnitCount
    }

    private mutating func skipNumber() throws(CloudEventError) {
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
    private mutating func stringContent() throws(CloudEventError) -> (Range<Int>, Bool, Bool) {
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
                return (start..<position - 1, hasEscapes, seen < 0x80)
            case UInt8(ascii: "\\"):
                hasEscapes = true
                position += 2
            case ..<0x20:
                throw fault("control character in a string")
            case let byte:
                seen |= byte
                position += 1
            }
        }
        position = bytes.count
        throw fault("string without an end")
    }

    private func unescaped(_ raw: UnsafeBufferPointer<UInt8>) throws(CloudEventError) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(raw.count)
        var at = 0
        while at < raw.count {
            guard raw[at] == UInt8(ascii: "\\") else {
                text.append(raw[at])
                at += 1
                continue
            }
            guard at + 1 < raw.count else { throw fault("broken escape before") }
            switch raw[at + 1] {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(raw[at + 1])
            case UInt8(ascii: "b"): text.append(0x08)
            case UInt8(ascii: "f"): text.append(0x0C)
            case UInt8(ascii: "n"): text.append(0x0A)
            case UInt8(ascii: "r"): text.append(0x0D)
            case UInt8(ascii: "t"): text.append(0x09)
            case UInt8(ascii: "u"):
                let (scalar, length) = try unicodeEscape(raw, at: at)
                text.append(contentsOf: Unicode.UTF8.encode(scalar).map(Array.init) ?? [])
                at += length - 2
            default: throw fault("broken escape before")
            }
            at += 2
        }
        guard let string = String(validating: text, as: UTF8.self) else {
            throw fault("broken UTF-8 before")
        }
        return string
    }

    /// A scalar above U+FFFF takes two escapes; half of such a pair is refused.
    private func unicodeEscape(
        _ raw: UnsafeBufferPointer<UInt8>, at start: Int
    ) throws(CloudEventError) -> (Unicode.Scalar, Int) {
        let first = try codeUnit(raw, at: start)
        if let scalar = Unicode.Scalar(first) { return (scalar, 6) }
        guard first < 0xDC00, start + 7 < raw.count, raw[start + 6] == UInt8(ascii: "\\"),
            raw[start + 7] == UInt8(ascii: "u")
        else { throw fault("half a surrogate pair before") }
        let second = try codeUnit(raw, at: start + 6)
        let combined = 0x10000 + (first - 0xD800) << 10 + (second &- 0xDC00)
        guard (0xDC00..<0xE000).contains(second), let scalar = Unicode.Scalar(combined) else {
            throw fault("half a surrogate pair before")
        }
        return (scalar, 12)
    }

    private func codeUnit(
        _ raw: UnsafeBufferPointer<UInt8>, at start: Int
    ) throws(CloudEventError) -> UInt32 {
        guard start + 6 <= raw.count,
            raw[start + 2] != UInt8(ascii: "+"),
            let unit = UInt32(
                String(decoding: raw[start + 2..<start + 6], as: UTF8.self), radix: 16)
        else { throw fault("broken escape before") }
        return unit
    }
}

extension String {
    /// The text of bytes that are UTF-8; nil if they are not.
    ///
    /// Most texts are ASCII, for which the check is one pass without a decoder.
    package init?(wellFormed bytes: UnsafeBufferPointer<UInt8>) {
        if bytes.areASCII {
            self.init(decoding: bytes, as: UTF8.self)
        } else {
            self.init(validating: bytes, as: UTF8.self)
        }
    }
}
