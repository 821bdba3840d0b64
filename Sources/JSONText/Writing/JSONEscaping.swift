extension [UInt8] {
    /// A text as a JSON string, with its quotation marks.
    package init(quoting text: String) {
        self = []
        reserveCapacity(text.utf8.count + 2)
        append(quoted: text)
    }

    /// Adds a text as a JSON string, with its quotation marks.
    package mutating func append(quoted text: String) {
        append(0x22)
        append(escaped: text)
        append(0x22)
    }

    /// Adds a text as it stands between the quotation marks of a JSON string.
    package mutating func append(escaped text: String) {
        var text = text
        text.withUTF8 { bytes in
            if bytes.needEscapes {
                for byte in bytes { append(escaping: byte) }
            } else {
                append(contentsOf: bytes)
            }
        }
    }

    /// Adds a text as it stands in a JSON string, in which more is escaped than JSON demands.
    ///
    /// - Parameter isEscaped: whether a scalar is escaped too; asked up to U+FFFF.
    package mutating func append(escaped text: String, also isEscaped: (Unicode.Scalar) -> Bool) {
        for scalar in text.unicodeScalars {
            if scalar.value < 0x20 || scalar == "\"" || scalar == "\\" {
                append(escaping: UInt8(scalar.value))
            } else if scalar.value <= 0xFFFF, isEscaped(scalar) {
                append(codeUnit: UInt16(scalar.value))
            } else {
                append(contentsOf: String(scalar).utf8)
            }
        }
    }

    private mutating func append(escaping byte: UInt8) {
        switch byte {
        case 0x22, 0x5C:
            append(0x5C)
            append(byte)
        case 0x0A: append(contentsOf: "\\n".utf8)
        case 0x0D: append(contentsOf: "\\r".utf8)
        case 0x09: append(contentsOf: "\\t".utf8)
        case ..<0x20: append(codeUnit: UInt16(byte))
        default: append(byte)
        }
    }

    private mutating func append(codeUnit: UInt16) {
        append(contentsOf: "\\u".utf8)
        for shift: UInt16 in [12, 8, 4, 0] {
            let digit = UInt8(truncatingIfNeeded: codeUnit >> shift) & 15
            append(digit < 10 ? 0x30 + digit : 0x57 + digit)
        }
    }
}
