// RFC 8259, nothing more: UTF-8 without a byte order mark, no comments, no trailing commas, no
// numbers such as 01, +1, .5 or NaN, no half surrogate pairs, no control characters in strings.
// And what the standard leaves open is closed: names in an object are unique, nesting ends at a
// depth, numbers are finite, nothing follows the value. Gateways and services that read the same
// bytes then cannot come to different meanings.

extension StrictJSON {
    /// Reads exactly one value.
    public static func parse(
        _ bytes: [UInt8], depthMaximum: Int = 64
    ) throws(JSONFault) -> StrictJSON {
        var parser = StrictJSONParser(bytes: bytes, depthMaximum: depthMaximum)
        return try parser.document()
    }
}

private struct StrictJSONParser {
    let bytes: [UInt8]
    let depthMaximum: Int
    var position = 0
    var depth = 0

    init(bytes: [UInt8], depthMaximum: Int) {
        self.bytes = bytes
        self.depthMaximum = depthMaximum
    }

    mutating func document() throws(JSONFault) -> StrictJSON {
        skipSpace()
        let value = try self.value()
        skipSpace()
        guard position == bytes.count else { throw fault("something follows the value") }
        return value
    }

    private mutating func value() throws(JSONFault) -> StrictJSON {
        switch current {
        case UInt8(ascii: "{"):
            return try nested { (self) throws(JSONFault) in
                try self.object()
            }
        case UInt8(ascii: "["):
            return try nested { (self) throws(JSONFault) in
                try self.array()
            }
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case let byte? where byte == UInt8(ascii: "-") || (0x30...0x39).contains(byte):
            return try number()
        case nil: throw fault("the text ends where a value should stand")
        default: throw fault("no value starts like this")
        }
    }

    private mutating func nested(
        _ read: (inout StrictJSONParser) throws(JSONFault) -> StrictJSON
    ) throws(JSONFault) -> StrictJSON {
        guard depth < depthMaximum else {
            throw fault("values are nested deeper than \(depthMaximum) levels")
        }
        depth += 1
        position += 1
        skipSpace()
        let value = try read(&self)
        depth -= 1
        return value
    }

    // MARK: - Objects and arrays

    private mutating func object() throws(JSONFault) -> StrictJSON {
        var members: [StrictJSON.Member] = []
        var names: Set<String> = []
        if take(UInt8(ascii: "}")) { return .object([]) }
        while true {
            guard current == UInt8(ascii: "\"") else { throw fault("a member's name is missing") }
            let start = position
            let name = try string()
            guard names.insert(name).inserted else {
                position = start
                throw fault("the object has a second member of this name")
            }
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw fault("a colon is missing") }
            skipSpace()
            members.append(StrictJSON.Member(name: name, value: try value()))
            skipSpace()
            if take(UInt8(ascii: "}")) { return .object(members) }
            guard take(UInt8(ascii: ",")) else { throw fault("a comma or } is missing") }
            skipSpace()
        }
    }

    private mutating func array() throws(JSONFault) -> StrictJSON {
        var elements: [StrictJSON] = []
        if take(UInt8(ascii: "]")) { return .array([]) }
        while true {
            elements.append(try value())
            skipSpace()
            if take(UInt8(ascii: "]")) { return .array(elements) }
            guard take(UInt8(ascii: ",")) else { throw fault("a comma or ] is missing") }
            skipSpace()
        }
    }

    // MARK: - Strings

    private mutating func string() throws(JSONFault) -> String {
        position += 1
        var content: [UInt8] = []
        while let byte = current {
            switch byte {
            case UInt8(ascii: "\""):
                let start = position
                position += 1
                guard let text = String(validating: content, as: UTF8.self) else {
                    position = start
                    throw fault("the string is not UTF-8")
                }
                return text
            case UInt8(ascii: "\\"):
                position += 1
                try escape(into: &content)
            case 0x00..<0x20:
                throw fault("a control character stands in a string")
            default:
                content.append(byte)
                position += 1
            }
        }
        throw fault("the text ends within a string")
    }

    private mutating func escape(into content: inout [UInt8]) throws(JSONFault) {
        guard let byte = current else { throw fault("the text ends within a string") }
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): content.append(byte)
        case UInt8(ascii: "b"): content.append(0x08)
        case UInt8(ascii: "f"): content.append(0x0C)
        case UInt8(ascii: "n"): content.append(0x0A)
        case UInt8(ascii: "r"): content.append(0x0D)
        case UInt8(ascii: "t"): content.append(0x09)
        case UInt8(ascii: "u"):
            position += 1
            try unicodeEscape(into: &content)
            return
        default: throw fault("this escape does not exist")
        }
        position += 1
    }

    private mutating func unicodeEscape(into content: inout [UInt8]) throws(JSONFault) {
        let start = position
        var code = try fourHexDigits()
        if (0xD800..<0xDC00).contains(code), take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) {
            let low = try fourHexDigits()
            if (0xDC00..<0xE000).contains(low) {
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
        }
        guard let scalar = Unicode.Scalar(code) else {
            position = start
            throw fault("half of a surrogate pair stands alone")
        }
        content.append(contentsOf: String(scalar).utf8)
    }

    private mutating func fourHexDigits() throws(JSONFault) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            switch current {
            case let digit? where (0x30...0x39).contains(digit):
                value = value << 4 + UInt32(digit - 0x30)
            case let digit? where (0x41...0x46).contains(digit):
                value = value << 4 + UInt32(digit - 0x41 + 10)
            case let digit? where (0x61...0x66).contains(digit):
                value = value << 4 + UInt32(digit - 0x61 + 10)
            default: throw fault("four hexadecimal digits are missing")
            }
            position += 1
        }
        return value
    }

    // MARK: - Numbers and words

    private mutating func number() throws(JSONFault) -> StrictJSON {
        let start = position
        var isInteger = true
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) {
            guard takeDigits() else { throw fault("a digit is missing") }
        }
        if take(UInt8(ascii: ".")) {
            isInteger = false
            guard takeDigits() else { throw fault("a digit is missing") }
        }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            isInteger = false
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            guard takeDigits() else { throw fault("a digit is missing") }
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isInteger, let integer = Int64(text) { return .integer(integer) }
        guard let decimal = Double(text), decimal.isFinite else {
            position = start
            throw fault("the number is out of range")
        }
        return .decimal(decimal)
    }

    private mutating func takeDigits() -> Bool {
        let start = position
        while let byte = current, (0x30...0x39).contains(byte) { position += 1 }
        return position > start
    }

    private mutating func word(
        _ text: StaticString, _ value: StrictJSON
    ) throws(JSONFault) -> StrictJSON {
        let expected = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        guard bytes[position...].starts(with: expected) else {
            throw fault("no value starts like this")
        }
        position += expected.count
        return value
    }

    // MARK: - Bytes

    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard current == byte else { return false }
        position += 1
        return true
    }

    private mutating func skipSpace() {
        while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
            position += 1
        }
    }

    private func fault(_ message: String) -> JSONFault {
        JSONFault(message: message, offset: position)
    }
}
