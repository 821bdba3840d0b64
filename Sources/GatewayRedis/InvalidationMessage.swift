import Gateway
import JSONText
import NIOCore

/// What a gateway tells the others of its own writes: `{"cause":"…","tags":["user:1"]}`.
struct InvalidationMessage: Codable {
    /// A forged message can cost misses, not memory.
    private static let tagLimit = 256
    private static let byteLimit = 65_536

    var cause: String
    var tags: [String]

    init(_ invalidation: Invalidation) {
        cause = invalidation.cause
        tags = invalidation.tags.map(\.text)
    }

    func json() -> String {
        (try? JSONCoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }

    /// The invalidation in a payload; nil if it is not such a message.
    static func read(_ payload: ByteBuffer) -> Invalidation? {
        guard payload.readableBytes <= byteLimit,
            let message = try? JSONCoder.decode(
                InvalidationMessage.self, from: Array(payload.readableBytesView)),
            message.tags.count <= tagLimit
        else { return nil }
        return Invalidation(
            cause: message.cause, tags: message.tags.compactMap(CacheTag.init(encoded:)))
    }
}
