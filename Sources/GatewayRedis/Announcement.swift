import Gateway
import JSONText
import NIOCore

/// What a gateway tells the others of its own writes: `{"cause":"…","tags":["user:1"]}`.
struct Announcement: Codable {
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

    /// The invalidation in a message; nil if it is no announcement.
    static func read(_ payload: ByteBuffer) -> Invalidation? {
        guard payload.readableBytes <= byteLimit,
            let announcement = try? JSONCoder.decode(
                Announcement.self, from: Array(payload.readableBytesView)),
            announcement.tags.count <= tagLimit
        else { return nil }
        return Invalidation(
            cause: announcement.cause, tags: announcement.tags.compactMap(CacheTag.init(encoded:)))
    }
}
