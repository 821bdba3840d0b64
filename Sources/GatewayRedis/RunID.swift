import NIOCore
import Redis

/// Finds the `run_id` in what `INFO server` answers.
enum RunID {
    private static let label = Array("run_id:".utf8)

    static func find(in reply: RedisValue) -> String? {
        guard let buffer = reply.buffer else { return nil }
        let bytes = buffer.readableBytesView
        var line = bytes.startIndex
        while line < bytes.endIndex {
            let end = bytes[line...].firstIndex(of: 10) ?? bytes.endIndex
            if bytes[line..<end].starts(with: label) {
                let value = bytes[(line + label.count)..<end].filter { $0 > 32 }
                return value.isEmpty ? nil : String(decoding: value, as: UTF8.self)
            }
            line = end == bytes.endIndex ? end : bytes.index(after: end)
        }
        return nil
    }
}
