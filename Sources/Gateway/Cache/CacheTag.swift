import Crypto
import PlainText

/// What a cached answer tells about (`order:42`); changing that thing takes the answer away.
///
/// Its text is safe in a Redis key and hash tag: identifiers are percent-encoded outside
/// `A-Z a-z 0-9 . _ ~ -`, so none can leave its place, and a very long one is hashed.
public struct CacheTag: Hashable, Sendable, CustomStringConvertible {
    /// The encoded text, at most `CacheTag.maximumLength` bytes.
    public let text: String

    /// Longer texts are replaced by their digest: a 10 KB identifier must not become a key.
    static let maximumLength = 200

    /// The tag of one thing, as `CacheTag("order", "42")`; the identifier is encoded here.
    public init(_ kind: String, _ identifier: String) {
        self.init(fitting: CacheTag.encoded(kind) + ":" + CacheTag.encoded(identifier))
    }

    /// The tag another gateway wrote, or nil if no gateway writes such a text.
    public init?(encoded text: String) {
        let isPlain = text.utf8.allSatisfy {
            PercentEncoding.isPlain($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "%")
        }
        guard isPlain, !text.isEmpty, text.utf8.count <= CacheTag.maximumLength else {
            return nil
        }
        self.text = text
    }

    init(fitting text: String) {
        guard text.utf8.count > CacheTag.maximumLength else {
            self.text = text
            return
        }
        self.text = "sha256:" + Hexadecimal.text(of: SHA256.hash(data: Array(text.utf8)))
    }

    /// The encoded text.
    public var description: String { text }

    /// The identifier with everything outside `A-Z a-z 0-9 . _ ~ -` percent-encoded.
    ///
    /// A UUID is one thing in any letter case (RFC 9562 section 4). A service takes both and its
    /// events name one, so the tag of both is the same: otherwise the answer that was asked for
    /// in capitals would outlive every change.
    static func encoded(_ identifier: String) -> String {
        let encoded = PercentEncoding.encode(identifier)
        return isUUID(encoded) ? encoded.lowercased() : encoded
    }

    private static func isUUID(_ text: String) -> Bool {
        guard text.utf8.count == 36 else { return false }
        return text.utf8.enumerated().allSatisfy { index, byte in
            [8, 13, 18, 23].contains(index)
                ? byte == UInt8(ascii: "-") : ByteClass.hexValue(byte) != nil
        }
    }
}
