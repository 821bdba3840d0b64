import NIOCore

/// What a log can tell of bytes that are not a request: as they were sent, and cut.
///
/// Read after the judgement, and with none of its own: whatever looks like a method, a target or
/// one of two fields is taken for it.
struct RefusedHead: Sendable {
    private(set) var method = ""
    private(set) var target = ""
    private(set) var host: String?
    private(set) var userAgent: String?

    private static let longest = 8 * 1024

    init(_ buffer: ByteBuffer) {
        let bytes = buffer.readableBytesView.prefix(Self.longest)
        let lines = bytes.split(separator: 0x0A, maxSplits: 100).map { line in
            line.last == 0x0D ? line.dropLast() : line
        }.drop { $0.isEmpty }
        guard let first = lines.first else { return }
        let words = first.split(separator: 0x20, maxSplits: 2)
        method = Self.text(words.first, longest: 32)
        target = Self.text(words.dropFirst().first, longest: 256)
        for line in lines.dropFirst() {
            let parts = line.split(separator: 0x3A, maxSplits: 1)
            guard parts.count == 2 else { continue }
            switch Self.text(parts[0], longest: 16).lowercased() {
            case "host": host = Self.text(parts[1].drop { $0 == 0x20 }, longest: 256)
            case "user-agent": userAgent = Self.text(parts[1].drop { $0 == 0x20 }, longest: 256)
            default: continue
            }
        }
    }

    private static func text(_ bytes: ByteBufferView.SubSequence?, longest: Int) -> String {
        String(decoding: (bytes ?? ByteBufferView()).prefix(longest), as: UTF8.self)
    }
}
