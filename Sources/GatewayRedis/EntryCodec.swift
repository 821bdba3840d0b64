import Gateway
import NIOCore
import Timekeeping

// An entry as one string. Numbers are big-endian, a text is its length (4 bytes) and its bytes,
// an absent one has the length 0xFFFFFFFF.
//
//   version 1 │ status 2 │ age 8 (ms) │ lifetime 8 (ms) │ last modified 8 │ entity tag │
//   head │ head of a 304 │ body │ keepers 1 × text │ epoch 8 │ its keeper 1 │
//   tags 2 × ( tag │ generation 8 │ its keeper 1 )
//
// Keepers are few, usually one, and so stand once; what they keep names them by their place.
//
// How long the entry has been in Redis follows from the key's remaining time to live, so no two
// machines' clocks are compared.

/// Writes and reads entries.
///
/// Whatever cannot be read is not an entry.
enum EntryCodec {
    private static let version: UInt8 = 2
    private static let absent = UInt32.max

    static func encode(_ entry: SecondLevelEntry) -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(
            capacity: 256 + entry.head.readableBytes * 2 + entry.body.readableBytes)
        buffer.writeInteger(version)
        buffer.writeInteger(UInt16(clamping: entry.status))
        buffer.writeInteger(Int64(entry.age.milliseconds))
        buffer.writeInteger(Int64(entry.lifetime.milliseconds))
        buffer.writeInteger(entry.lastModified ?? .min)
        write(entry.entityTag.map { ByteBuffer(string: $0) }, into: &buffer)
        write(entry.head, into: &buffer)
        write(entry.notModifiedHead, into: &buffer)
        write(entry.body, into: &buffer)
        write(entry.generations, into: &buffer)
        return buffer
    }

    private static func write(_ generations: Generations, into buffer: inout ByteBuffer) {
        var keepers = [generations.epoch.keeper]
        for generation in generations.values.values where !keepers.contains(generation.keeper) {
            keepers.append(generation.keeper)
        }
        func write(_ generation: Generation) {
            buffer.writeInteger(generation.number)
            buffer.writeInteger(UInt8(clamping: keepers.firstIndex(of: generation.keeper) ?? 0))
        }
        buffer.writeInteger(UInt8(clamping: keepers.count))
        for keeper in keepers { Self.write(ByteBuffer(string: keeper), into: &buffer) }
        write(generations.epoch)
        buffer.writeInteger(UInt16(clamping: generations.values.count))
        for (tag, generation) in generations.values {
            Self.write(ByteBuffer(string: tag.text), into: &buffer)
            write(generation)
        }
    }

    /// The entry, aged by the time it has been kept; nil if this is none, or its life is over.
    ///
    /// - Parameter remaining: the key's time to live, in milliseconds.
    static func decode(_ buffer: ByteBuffer, remaining: Int) -> SecondLevelEntry? {
        var buffer = buffer
        guard buffer.readInteger(as: UInt8.self) == version,
            let status = buffer.readInteger(as: UInt16.self), (100...599).contains(status),
            let age = buffer.readInteger(as: Int64.self), age >= 0,
            let lifetime = buffer.readInteger(as: Int64.self), lifetime >= 0,
            let lastModified = buffer.readInteger(as: Int64.self),
            let entityTag = readText(&buffer),
            let head = readSlice(&buffer), let head,
            let notModifiedHead = readSlice(&buffer),
            let body = readSlice(&buffer), let body,
            let generations = readGenerations(&buffer), buffer.readableBytes == 0,
            remaining > 0, age < .max - lifetime
        else { return nil }
        let kept = max(0, lifetime - Int64(remaining))
        return SecondLevelEntry(
            status: Int(status), head: head, notModifiedHead: notModifiedHead, body: body,
            entityTag: entityTag, lastModified: lastModified == .min ? nil : lastModified,
            age: .milliseconds(age + kept),
            lifetime: .milliseconds(min(lifetime, Int64(remaining))),
            generations: generations)
    }

    private static func write(_ text: ByteBuffer?, into buffer: inout ByteBuffer) {
        guard let text else {
            buffer.writeInteger(absent)
            return
        }
        buffer.writeInteger(UInt32(clamping: text.readableBytes))
        buffer.writeImmutableBuffer(text)
    }

    private static func readGenerations(_ buffer: inout ByteBuffer) -> Generations? {
        var keepers: [String] = []
        for _ in 0..<(buffer.readInteger(as: UInt8.self) ?? 0) {
            guard let text = readText(&buffer), let text else { return nil }
            keepers.append(text)
        }
        guard let epoch = readGeneration(&buffer, keepers),
            let count = buffer.readInteger(as: UInt16.self)
        else { return nil }
        var values: [CacheTag: Generation] = [:]
        for _ in 0..<count {
            guard let text = readText(&buffer), let text, let tag = CacheTag(encoded: text),
                let generation = readGeneration(&buffer, keepers)
            else { return nil }
            values[tag] = generation
        }
        return Generations(epoch: epoch, values: values)
    }

    private static func readGeneration(
        _ buffer: inout ByteBuffer, _ keepers: [String]
    ) -> Generation? {
        guard let number = buffer.readInteger(as: UInt64.self),
            let keeper = buffer.readInteger(as: UInt8.self), Int(keeper) < keepers.count
        else { return nil }
        return Generation(number: number, keeper: keepers[Int(keeper)])
    }

    private static func readText(_ buffer: inout ByteBuffer) -> String?? {
        guard let slice = readSlice(&buffer) else { return nil }
        return .some(slice.map { String(buffer: $0) })
    }

    /// The outer nil means that the bytes do not reach; the inner one, an absent text.
    ///
    /// A copy, because a slice would keep the whole reply alive.
    private static func readSlice(_ buffer: inout ByteBuffer) -> ByteBuffer?? {
        guard let length = buffer.readInteger(as: UInt32.self) else { return nil }
        if length == absent { return .some(nil) }
        guard let slice = buffer.readSlice(length: Int(length)) else { return nil }
        return .some(ByteBuffer(bytes: slice.readableBytesView))
    }
}
