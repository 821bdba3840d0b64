import CloudEvents
import NIOCore
import Redis

/// Finds the event in the fields of a stream's entry.
enum EntryParser {
    static func entry(
        _ fields: RedisArray, id: String, stream: Int, deliveredBefore: Bool
    ) -> HeldEntry {
        HeldEntry(
            stream: stream, id: id, content: content(fields), deliveredBefore: deliveredBefore)
    }

    private static func content(_ fields: RedisArray) -> HeldEntry.Content {
        for index in stride(from: 0, to: fields.count - 1, by: 2) {
            guard let name = fields[index].buffer, isData(name) else { continue }
            guard let buffer = fields[index + 1].buffer else { break }
            do {
                return .event(try event(buffer))
            } catch {
                return .unreadable(Array(buffer.readableBytesView), .undecodable, "\(error)")
            }
        }
        return .unreadable([], .undecodable, "the entry has no field 'data'")
    }

    static func event(_ buffer: ByteBuffer) throws(CloudEventError) -> CloudEvent {
        try buffer.withUnsafeReadableBytes { bytes in
            Result { () throws(CloudEventError) in
                try CloudEvent(scanning: bytes.assumingMemoryBound(to: UInt8.self))
            }
        }.get()
    }

    private static func isData(_ name: ByteBuffer) -> Bool {
        name.readableBytes == 4 && name.readableBytesView.elementsEqual("data".utf8)
    }
}
