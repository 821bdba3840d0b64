/// Some JSON, checked from end to end (RFC 8259), in which members are found without a tree.
///
/// An aggregate is spliced together from the bytes of its parts, so each part must be exactly one
/// value: no trailing comma, no second value, no lone surrogate escape, no broken UTF-8, nesting
/// no deeper than `deepest`. A name that stands twice in an object is ambiguous and is not found.
struct JSONPart: Sendable {
    /// The bytes of the value, without white space around it.
    let bytes: ArraySlice<UInt8>

    static let deepest = 64

    init?(_ text: some Collection<UInt8>) {
        let all = Array(text)
        guard String(validating: all, as: UTF8.self) != nil else { return nil }
        var scanner = JSONScanner(all)
        scanner.skipSpace()
        let start = scanner.index
        guard scanner.skipValue(depth: 0) else { return nil }
        let end = scanner.index
        scanner.skipSpace()
        guard scanner.index == all.count else { return nil }
        bytes = all[start..<end]
    }

    private init(unchecked bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
    }

    /// The value of the member `name`, if this is an object with exactly one.
    func member(_ name: String) -> JSONPart? {
        var found: JSONPart?
        var count = 0
        forEachMember { key, value in
            guard key == name else { return }
            count += 1
            found = JSONPart(unchecked: value)
        }
        return count == 1 ? found : nil
    }

    /// Text of a string, digits of a number: what may stand in a path or a tag.
    var scalarText: String? {
        guard let first = bytes.first else { return nil }
        if first == UInt8(ascii: "\"") { return JSONScanner.unquoted(bytes) }
        let isNumber = first == UInt8(ascii: "-") || first &- 0x30 < 10
        return isNumber ? String(decoding: bytes, as: UTF8.self) : nil
    }

    /// An object of those members that are among `names`, in their old order.
    func selecting(_ names: [String]) -> [UInt8]? {
        guard bytes.first == UInt8(ascii: "{") else { return nil }
        var result = [UInt8(ascii: "{")]
        forEachMember { key, value in
            guard names.contains(key) else { return }
            if result.count > 1 { result.append(UInt8(ascii: ",")) }
            result += JSONText.quoted(key) + [UInt8(ascii: ":")] + value
        }
        result.append(UInt8(ascii: "}"))
        return result
    }

    private func forEachMember(_ body: (_ name: String, _ value: ArraySlice<UInt8>) -> Void) {
        guard bytes.first == UInt8(ascii: "{") else { return }
        let all = Array(bytes)
        var scanner = JSONScanner(all)
        scanner.index = 1
        scanner.skipSpace()
        while scanner.index < all.count, all[scanner.index] == UInt8(ascii: "\"") {
            let nameStart = scanner.index
            guard scanner.skipString() else { return }
            let name = JSONScanner.unquoted(all[nameStart..<scanner.index])
            scanner.skipSpace()
            scanner.index += 1
            scanner.skipSpace()
            let valueStart = scanner.index
            guard scanner.skipValue(depth: 0) else { return }
            if let name { body(name, all[valueStart..<scanner.index]) }
            scanner.skipSpace()
            scanner.index += 1
            scanner.skipSpace()
        }
    }
}

/// Walks over JSON text.
struct JSONScanner {
    private let bytes: [UInt8]
    var index = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    private var current: UInt8? { index < bytes.count ? bytes[index] : nil }

    mutating func skipSpace() {
        while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
            index += 1
        }
    }

    private mutating func skip(_ byte: Unicode.Scalar) -> Bool {
        guard current == UInt8(ascii: byte) else { return false }
        index += 1
        return true
    }

    mutating func skipValue(depth: Int) -> Bool {
        guard depth < JSONPart.deepest, let first = current else { return false }
        switch first {
        case UInt8(ascii: "{"): return skipItems("}", depth) { $0.skipMember(depth: depth + 1) }
        case UInt8(ascii: "["): return skipItems("]", depth) { $0.skipValue(depth: depth + 1) }
        case UInt8(ascii: "\""): return skipString()
        case UInt8(ascii: "t"): return skipWord("true")
        case UInt8(ascii: "f"): return skipWord("false")
        case UInt8(ascii: "n"): return skipWord("null")
        default: return skipNumber()
        }
    }

    private mutating func skipItems(
        _ close: Unicode.Scalar, _ depth: Int, _ item: (inout JSONScanner) -> Bool
    ) -> Bool {
        index += 1
        skipSpace()
        if skip(close) { return true }
        while true {
            skipSpace()
            guard item(&self) else { return false }
            skipSpace()
            if skip(close) { return true }
            guard skip(",") else { return false }
        }
    }

    private mutating func skipMember(depth: Int) -> Bool {
        guard current == UInt8(ascii: "\""), skipString() else { return false }
        skipSpace()
        guard skip(":") else { return false }
        skipSpace()
        return skipValue(depth: depth)
    }

    private mutating func skipWord(_ word: StaticString) -> Bool {
        let end = index + word.utf8CodeUnitCount
        guard end <= bytes.count else { return false }
        for offset in 0..<word.utf8CodeUnitCount
        where bytes[index + offset] != word.utf8Start[offset] { return false }
        index = end
        return true
    }

    private mutating func skipNumber() -> Bool {
        _ = skip("-")
        guard let first = current, first &- 0x30 < 10 else { return false }
        index += 1
        if first != UInt8(ascii: "0") { skipDigits() }
        if skip(".") {
            guard let digit = current, digit &- 0x30 < 10 else { return false }
            skipDigits()
        }
        if skip("e") || skip("E") {
            if !skip("+") { _ = skip("-") }
            guard let digit = current, digit &- 0x30 < 10 else { return false }
            skipDigits()
        }
        return true
    }

    private mutating func skipDigits() {
        while let byte = current, byte &- 0x30 < 10 { index += 1 }
    }

    /// Skips a string, whose escapes must name characters: `\ud800` alone names none.
    mutating func skipString() -> Bool {
        index += 1
        while let byte = current {
            index += 1
            switch byte {
            case UInt8(ascii: "\""): return true
            case UInt8(ascii: "\\"): guard skipEscape() else { return false }
            case 0..<0x20: return false
            default: continue
            }
        }
        return false
    }

    private mutating func skipEscape() -> Bool {
        guard let letter = current else { return false }
        index += 1
        guard letter == UInt8(ascii: "u") else { return "\"\\/bfnrt".utf8.contains(letter) }
        guard let unit = codeUnit() else { return false }
        switch unit {
        case 0xD800..<0xDC00:
            guard skip("\\"), skip("u"), let low = codeUnit() else { return false }
            return (0xDC00..<0xE000).contains(low)
        case 0xDC00..<0xE000: return false
        default: return true
        }
    }

    private mutating func codeUnit() -> UInt16? {
        guard index + 4 <= bytes.count else { return nil }
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard let digit = ByteClass.hexValue(bytes[index]) else { return nil }
            unit = unit << 4 | UInt16(digit)
            index += 1
        }
        return unit
    }

    /// The text of a checked string with its quotes, escapes resolved.
    static func unquoted(_ string: ArraySlice<UInt8>) -> String? {
        let content = Array(string.dropFirst().dropLast())
        guard content.contains(UInt8(ascii: "\\")) else {
            return String(decoding: content, as: UTF8.self)
        }
        var units: [UInt16] = []
        var scanner = JSONScanner(content)
        var plain = 0
        func flush(_ end: Int) {
            units += Array(String(decoding: content[plain..<end], as: UTF8.self).utf16)
        }
        while let byte = scanner.current {
            guard byte == UInt8(ascii: "\\") else {
                scanner.index += 1
                continue
            }
            flush(scanner.index)
            scanner.index += 1
            guard let letter = scanner.current else { return nil }
            scanner.index += 1
            switch letter {
            case UInt8(ascii: "u"):
                guard let unit = scanner.codeUnit() else { return nil }
                units.append(unit)
            case UInt8(ascii: "b"): units.append(0x08)
            case UInt8(ascii: "f"): units.append(0x0C)
            case UInt8(ascii: "n"): units.append(0x0A)
            case UInt8(ascii: "r"): units.append(0x0D)
            case UInt8(ascii: "t"): units.append(0x09)
            default: units.append(UInt16(letter))
            }
            plain = scanner.index
        }
        flush(content.count)
        return String(decoding: units, as: UTF16.self)
    }
}
