import Crypto

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A client's name for one attempt to order: whoever repeats the attempt gets the same order.
public struct IdempotencyKey: Hashable, Sendable {
    /// The name as the client chose it.
    public let text: String

    /// How long a key is remembered.
    public static let lifetime = Duration.seconds(24 * 60 * 60)

    /// Any text will do.
    public init(_ text: String) {
        self.text = text
    }

    /// The key's place in Redis: a digest, so that any key is short and harmless there.
    var digest: String {
        SHA256.hash(data: Data(text.utf8)).prefix(16).hex
    }
}
