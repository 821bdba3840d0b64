public import NIOCore

/// One entry of a stream.
public struct RedisStreamEntry: Sendable, Hashable {
    /// `milliseconds-sequence`.
    public var id: String
    /// Names and values in the order they were added.
    public var fields: [(name: String, value: ByteBuffer)]
    /// True if the entry was deleted or trimmed while it was pending for a consumer.
    ///
    /// It has no fields then.
    public var isDeleted: Bool

    /// Puts an entry together.
    public init(id: String, fields: [(name: String, value: ByteBuffer)], isDeleted: Bool = false) {
        self.id = id
        self.fields = fields
        self.isDeleted = isDeleted
    }

    /// The first value under `name`.
    public subscript(_ name: String) -> ByteBuffer? {
        fields.first { $0.name == name }?.value
    }

    /// Equal ID and equal fields in the same order.
    public static func == (left: RedisStreamEntry, right: RedisStreamEntry) -> Bool {
        left.id == right.id && left.isDeleted == right.isDeleted
            && left.fields.elementsEqual(right.fields) { $0 == $1 }
    }

    /// Feeds ID and fields.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(id)
        for field in fields {
            hasher.combine(field.name)
            hasher.combine(field.value)
        }
    }
}

/// The entries that one read returned for one stream.
public struct RedisStreamEntries: Sendable, Hashable {
    /// The stream's key.
    public var key: String
    /// Oldest first.
    public var entries: [RedisStreamEntry]
}

/// What `XAUTOCLAIM` took over.
public struct RedisStreamClaim: Sendable, Hashable {
    /// Where the next call goes on; `0-0` when all pending entries have been looked at.
    public var cursor: String
    /// Entries that now belong to the claiming consumer.
    public var entries: [RedisStreamEntry]
    /// Entries that were pending but no longer exist; they are not pending any more.
    public var deletedIDs: [String]
}

/// One entry that was delivered to a consumer and not yet acknowledged, from `XPENDING`.
public struct RedisPendingEntry: Sendable, Hashable {
    /// The entry's ID.
    public var id: String
    /// Who has it.
    public var consumer: String
    /// Since when it was last delivered, in milliseconds.
    public var idleMilliseconds: Int
    /// How often it was delivered.
    public var deliveries: Int
}

extension RedisValue {
    /// Entries of `XRANGE`, `XREVRANGE` or `XCLAIM`; empty for nothing.
    ///
    /// - Throws: `unexpectedReply` if the reply has another shape.
    public func streamEntries() throws(RedisError) -> [RedisStreamEntry] {
        if isNull { return [] }
        var entries: [RedisStreamEntry] = []
        for element in try requireArray() { entries.append(try element.streamEntry()) }
        return entries
    }

    /// Streams and entries of `XREAD` or `XREADGROUP`; empty when there was nothing to read.
    ///
    /// - Throws: `unexpectedReply` if the reply has another shape.
    public func streams() throws(RedisError) -> [RedisStreamEntries] {
        if isNull { return [] }
        var streams: [RedisStreamEntries] = []
        for element in try requireArray() {
            guard let pair = element.array, pair.count == 2, let key = pair[0].string else {
                throw unexpected("a list of streams")
            }
            streams.append(
                RedisStreamEntries(key: key, entries: try pair[1].streamEntries()))
        }
        return streams
    }

    /// The reply to `XAUTOCLAIM`.
    ///
    /// - Throws: `unexpectedReply` if the reply has another shape.
    public func streamClaim() throws(RedisError) -> RedisStreamClaim {
        guard let parts = array, parts.count >= 2, let cursor = parts[0].string else {
            throw unexpected("the reply to XAUTOCLAIM")
        }
        // Servers before 7.0 answer without the list of deleted entries.
        let deleted = parts.count > 2 ? try parts[2].strings() : []
        return RedisStreamClaim(
            cursor: cursor, entries: try parts[1].streamEntries().filter { !$0.isDeleted },
            deletedIDs: deleted.compactMap { $0 })
    }

    /// The reply to `XPENDING` with a range.
    ///
    /// - Throws: `unexpectedReply` if the reply has another shape.
    public func pendingEntries() throws(RedisError) -> [RedisPendingEntry] {
        var entries: [RedisPendingEntry] = []
        for element in try requireArray() {
            guard let parts = element.array, parts.count >= 4, let id = parts[0].string,
                let consumer = parts[1].string, let idle = parts[2].integer,
                let deliveries = parts[3].integer
            else { throw unexpected("a list of pending entries") }
            entries.append(
                RedisPendingEntry(
                    id: id, consumer: consumer, idleMilliseconds: idle, deliveries: deliveries))
        }
        return entries
    }

    /// An entry is `[id, [name, value, …]]`; `[id, nil]` or nil when it was deleted.
    package func streamEntry() throws(RedisError) -> RedisStreamEntry {
        if isNull { return RedisStreamEntry(id: "", fields: [], isDeleted: true) }
        guard let pair = array, pair.count == 2, let id = pair[0].string else {
            throw unexpected("a stream entry")
        }
        if pair[1].isNull { return RedisStreamEntry(id: id, fields: [], isDeleted: true) }
        guard let flat = pair[1].array, flat.count.isMultiple(of: 2) else {
            throw unexpected("a stream entry")
        }
        var fields: [(name: String, value: ByteBuffer)] = []
        fields.reserveCapacity(flat.count / 2)
        for index in stride(from: 0, to: flat.count, by: 2) {
            guard let name = flat[index].string, let value = flat[index + 1].buffer else {
                throw unexpected("a stream entry")
            }
            fields.append((name, value))
        }
        return RedisStreamEntry(id: id, fields: fields)
    }
}
