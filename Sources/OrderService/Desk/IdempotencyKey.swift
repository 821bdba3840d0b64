import Crypto

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A client's name for one attempt to order, from the `Idempotency-Key` header.
///
/// The header is a structured string (`"abc"`); a bare one (`abc`) names the same key.
public struct IdempotencyKey: Hashable, Sendable {
    /// The key without quotes.
    public let text: String

    /// How long a key is remembered.
    public static let lifetime = Duration.seconds(24 * 60 * 60)

    /// Reads the header's value: 1 to 255 printable ASCII characters, quoted or bare.
    public init?(header: String) {
        let bytes = Array(header.utf8)
        guard bytes.first == Self.quote || bytes.last == Self.quote else {
            self.init(bare: bytes)
            return
        }
        guard bytes.count >= 2, bytes.first == Self.quote, bytes.last == Self.quote,
            let inner = Self.unescaped(bytes[1..<(bytes.count - 1)])
        else { return nil }
        self.init(bare: inner)
    }

    private init?(bare bytes: [UInt8]) {
        guard (1...255).contains(bytes.count), bytes.allSatisfy({ (0x20...0x7e).contains($0) })
        else { return nil }
        text = String(decoding: bytes, as: UTF8.self)
    }

    /// The key's place in Redis: a digest, so that any key is short and harmless there.
    var digest: String {
        SHA256.hash(data: Data(text.utf8)).prefix(16).hex
    }

    /// Resolves `\"` and `\\`; nil if a quote or a backslash stands alone.
    private static func unescaped(_ bytes: ArraySlice<UInt8>) -> [UInt8]? {
        var result: [UInt8] = []
        var escaping = false
        for byte in bytes {
            if escaping {
                guard byte == quote || byte == backslash else { return nil }
                result.append(byte)
                escaping = false
            } else if byte == backslash {
                escaping = true
            } else if byte == quote {
                return nil
            } else {
                result.append(byte)
            }
        }
        return escaping ? nil : result
    }

    private static let quote = UInt8(ascii: "\"")
    private static let backslash = UInt8(ascii: "\\")
}
