import CloudEvents
import NIOCore
import Redis

/// Finds the event in the fields of a stream's entry.
enum EntryParser {
    static func entry(
        _ fields: RedisArray, id: String, stream: Int, deliveredBefore: Bool
    ) -> HeldEntry {
        let content = event(in: fields).map(content) ?? missing
        return HeldEntry(
            stream: stream, id: id, content: content, deliveredBefore: deliveredBefore)
    }

    /// For an entry that must be bringing processes down, as no delivery came to an end.
    static func tooOften(_ buffer: ByteBuffer?, _ deliveries: Int) -> HeldEntry.Content {
        .unreadable(
            buffer.map { Array($0.readableBytesView) } ?? [], .tooManyDeliveries,
            "delivered \(deliveries) times without an end")
    }

    static let missing = HeldEntry.Content.unreadable(
        [], .undecodable, "the entry has no field 'data'")

    static func content(_ buffer: ByteBuffer) -> HeldEntry.Content {
        do {
            return .event(try event(buffer))
        } catch {
            return .unreadable(Array(buffer.readableBytesView), .undecodable, "\(error)")
        }
    }

    static func event(in fields: RedisArray) -> ByteBuffer? {
        for index in stride(from: 0, to: fields.count - 1, by: 2) {
            guard let name = fields[index].buffer, isData(name) else { continue }
            return fields[index + 1].buffer
        }
        return nil
    }

    static func event(_ buffer: ByteBuffer) throws(CloudEventError) -> CloudEvent {
        try buffer.withUnsafeReadableBytes { bytes in
            Result { () throws(CloudEventError) in
                try CloudEvent(scanning: bytes.assumingMemoryBound(to: UInt8.self))
            }
        }.get()
    }

    /// `data` as one number.
    private static let nameOfData: UInt32 = 0x6461_7461

    private static func isData(_ name: ByteBuffer) -> Bool {
        name.readableBytes == 4
            && name.getInteger(at: name.readerIndex, as: UInt32.self)
                == nameOfData
    }
}
