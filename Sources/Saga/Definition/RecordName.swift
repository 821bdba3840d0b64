/// Names a record of a participant: `"payment:\(orderID)"`.
///
/// What is interpolated is percent-encoded, so that no ID from a user can reach into another
/// record's name or a key's hash tag; what stands in the literal is taken as it is.
public struct RecordName: Hashable, Sendable, CustomStringConvertible {
    package let encoded: String

    /// The name of one record of an entity.
    public init(_ entity: String, id: String) {
        encoded = entity + ":" + PercentEncoding.encode(id)
    }

    /// The name as it stands in a key.
    public var description: String { encoded }
}

extension RecordName: ExpressibleByStringInterpolation {
    /// Gathers literal parts as they are and values percent-encoded.
    public struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var text = ""

        /// Makes room for the text.
        public init(literalCapacity: Int, interpolationCount: Int) {
            text.reserveCapacity(literalCapacity + interpolationCount * 36)
        }

        /// Appends a literal part as it is.
        public mutating func appendLiteral(_ literal: String) { text += literal }

        /// Appends a value percent-encoded.
        public mutating func appendInterpolation(_ value: some CustomStringConvertible) {
            text += PercentEncoding.encode(value.description)
        }
    }

    /// A name without IDs, taken as it is.
    public init(stringLiteral: String) { encoded = stringLiteral }

    /// A name with IDs, which are encoded.
    public init(stringInterpolation: StringInterpolation) { encoded = stringInterpolation.text }
}

/// Makes any text safe to stand in a key: only `A-Z a-z 0-9 . _ ~ -` pass as they are.
package enum PercentEncoding {
    package static func encode(_ text: String) -> String {
        var text = text
        if text.withUTF8({ $0.allSatisfy(isPlain) }) { return text }
        var encoded: [UInt8] = []
        for byte in text.utf8 {
            if isPlain(byte) {
                encoded.append(byte)
            } else {
                encoded += [0x25, digit(byte >> 4), digit(byte & 15)]
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }

    /// The text that was encoded; nil if this is none.
    package static func decode(_ text: String) -> String? {
        var decoded: [UInt8] = []
        var rest = Substring(text).utf8
        while let byte = rest.popFirst() {
            guard byte == 0x25 else {
                decoded.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(value),
                let low = rest.popFirst().flatMap(value)
            else { return nil }
            decoded.append(high << 4 | low)
        }
        return String(validating: decoded, as: UTF8.self)
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case 0x30...0x39: digit - 0x30
        case 0x41...0x46: digit - 0x37
        default: nil
        }
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        let letter = (byte | 0x20) &- 0x61
        return letter < 26 || byte &- 0x30 < 10 || byte == 0x2D || byte == 0x2E || byte == 0x5F
            || byte == 0x7E
    }

    private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x37 + value }
}
