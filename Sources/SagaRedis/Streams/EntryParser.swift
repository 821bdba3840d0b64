import CloudEvents
import NIOCore
import Saga
import TroupeRedis

/// Finds the event in the fields of a stream's entry.
enum EntryParser {
    /// What an entry holds.
    static func content(
        _ buffer: ByteBuffer?, sagaID: @autoclosure () -> ByteBuffer?
    ) -> HeldEntry.Content {
        guard let buffer else {
            return .unreadable(
                HeldEntry.Unreadable(
                    bytes: [], reason: .undecodable, error: "the entry has no field 'data'",
                    sagaID: text(sagaID())))
        }
        do {
            return .event(try event(buffer))
        } catch {
            return .unreadable(
                HeldEntry.Unreadable(
                    bytes: Array(buffer.readableBytesView), reason: .undecodable,
                    error: "\(error)", sagaID: text(sagaID())))
        }
    }

    private static func text(_ buffer: ByteBuffer?) -> String? {
        buffer.map { String(buffer: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }

    static func event(in fields: RedisArray) -> ByteBuffer? {
        value(in: fields) {
            $0.readableBytes == 4
                && $0.getInteger(at: $0.readerIndex, as: UInt32.self) == nameOfData
        }
    }

    /// The saga that stands beside the event, for when that cannot be read.
    static func saga(in fields: RedisArray) -> ByteBuffer? {
        value(in: fields) { $0.readableBytesView.elementsEqual("correlationid".utf8) }
    }

    /// How many bytes an entry has.
    static func size(of fields: RedisArray) -> Int {
        var size = 0
        for index in 0..<fields.count { size += fields[index].buffer?.readableBytes ?? 0 }
        return size
    }

    private static func value(
        in fields: RedisArray, of isName: (ByteBuffer) -> Bool
    ) -> ByteBuffer? {
        for index in stride(from: 0, to: fields.count - 1, by: 2) {
            guard let name = fields[index].buffer, isName(name) else { continue }
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
}
