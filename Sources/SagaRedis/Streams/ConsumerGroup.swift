import EventStreams
import Logging
import Saga
import TroupeRedis

/// A participant's consumer group on the streams that it consumes.
///
/// A group is made at the start of its stream, so that nothing published before a service's
/// first start is missed. One that vanished, because data was lost or somebody destroyed it,
/// is made again where the stored cursor says: before everything that may not have been dealt
/// with. Never at `$`, the stream's end; what is delivered again, the ledger answers.
///
/// What may have been delivered before, up to the stream's end at that moment, is noted first
/// (`again:<stream>` beside the cursors), so that no replica takes it for new: whether it has acted
/// is known to nobody then.
struct ConsumerGroup: Sendable {
    let redis: RedisClient
    let service: String
    let names: SagaKeys
    let logger: Logger

    /// Makes the group on every stream that lacks it, whatever is wrong with another.
    ///
    /// - Returns: by stream, up to where entries may have been delivered before.
    func ensure(
        on streams: [ConsumedStream]
    ) async throws(SagaError) -> [String: StreamID] {
        guard !streams.isEmpty else { return [:] }
        let keys = streams.map(\.key)
        let found = try await cursors(of: keys + keys.map(Self.again))
        let (cursors, notes) = (found.prefix(keys.count), found.suffix(keys.count))
        var again: [String: StreamID] = [:]
        var fault: SagaError?
        for ((stream, cursor), note) in zip(zip(streams, cursors), notes) {
            again[stream.key] = note.flatMap(StreamID.init)
            do throws(RedisError) {
                if cursor != nil, let end = try await endIfMissing(stream.key) {
                    try await self.note(end, of: stream.key)
                    again[stream.key] = end
                }
                _ = try await redis.send(
                    .xgroupCreate(stream.key, service, from: cursor ?? "0"))
                logger.info(
                    "consumer group created",
                    metadata: ["stream": "\(stream.key)", "from": "\(cursor ?? "0")"])
            } catch {
                if error.code == .server("BUSYGROUP") { continue }
                let error = SagaError(error)
                guard error.concernsOneKey else { throw error }
                fault = fault ?? error
            }
        }
        if let fault { throw fault }
        return again
    }

    private static func again(_ stream: String) -> String { "again:" + stream }

    /// The last ID that the stream has given, if the group is not there.
    private func endIfMissing(_ stream: String) async throws(RedisError) -> StreamID? {
        guard let groups = try? await redis.send(.xinfoGroups(stream)).array,
            !groups.contains(where: { GroupState.facts($0)["name"]?.string == service })
        else { return nil }
        let ends = try await redis.evaluate(
            StreamEnd.lastIDs, keys: [stream], arguments: [.string(service)])
        return ends[0]?.string.flatMap(StreamID.init)
    }

    private func note(_ end: StreamID, of stream: String) async throws(RedisError) {
        _ = try await redis.send(
            RedisCommand(
                "HSET",
                [
                    .string(names.cursor(service)), .string(Self.again(stream)),
                    .string(end.description),
                ]))
    }

    /// How far each stream was dealt with when that was last stored.
    private func cursors(of fields: [String]) async throws(SagaError) -> [String?] {
        let reply = try await redis.read(
            RedisCommand(
                "HMGET", [.string(names.cursor(service))] + fields.map { .string($0) },
                isReadOnly: true))
        return try decoding { () throws(RedisError) in try reply.strings() }
    }

    /// Where the group stands in a stream; nil if it is not there.
    func state(on stream: String) async throws(SagaError) -> GroupState? {
        try await GroupState.all(of: stream, redis: redis).first { $0.name == service }
    }

    /// Stores for some streams how far each was dealt with.
    ///
    /// That is right before the oldest pending entry of any replica, or else the last entry
    /// delivered.
    func store(
        _ cursors: [(stream: String, dealtWith: StreamID)], in epoch: RedisEpoch
    ) async throws(SagaError) {
        guard !cursors.isEmpty else { return }
        var words: [RedisArgument] = [.string(names.cursor(service))]
        for cursor in cursors {
            words.append(.string(cursor.stream))
            words.append(.string(cursor.dealtWith.description))
        }
        _ = try await redis.write(RedisCommand("HSET", words), in: epoch)
    }
}

/// Where one consumer group stands in a stream.
struct GroupState: Sendable {
    var name: String
    var lastDelivered: StreamID
    var oldestPending: StreamID?
    var lag: Int?

    /// Everything up to here was dealt with, by all of the group's replicas.
    var dealtWith: StreamID { oldestPending?.predecessor ?? lastDelivered }

    static func all(of stream: String, redis: RedisClient) async throws(SagaError) -> [GroupState] {
        let reply: RedisValue
        do {
            reply = try await redis.send(.xinfoGroups(stream))
        } catch {
            if error.code == .server("ERR") { return [] }
            throw SagaError(error)
        }
        var states: [GroupState] = []
        for group in try decoding({ () throws(RedisError) in try reply.requireArray() }) {
            let facts = Self.facts(group)
            guard let name = facts["name"]?.string,
                let last = facts["last-delivered-id"]?.string.flatMap(StreamID.init)
            else { continue }
            var state = GroupState(name: name, lastDelivered: last, lag: facts["lag"]?.integer)
            if facts["pending"]?.integer != 0 {
                let pending = try await redis.read(.xpending(stream, name))
                state.oldestPending = pending[1]?.string.flatMap(StreamID.init)
            }
            states.append(state)
        }
        return states
    }

    /// How many entries it has yet to read; nil if there are some and nobody has counted them.
    ///
    /// A lag is the difference of two counts. Where entries went that nobody had read (`XTRIM`,
    /// `XDEL`), a group that stands at the end keeps such a rest, or none is said.
    func unread(on stream: String, redis: RedisClient) async throws(SagaError) -> Int? {
        guard lag != 0 else { return 0 }
        let next = try await redis.look(
            StreamEnd.firstEntry, at: stream, .string("(\(lastDelivered)"), "+"
        ).string
        return next == nil ? 0 : lag
    }

    /// The names of those that keep what is older than it need be.
    ///
    /// One that has read nothing for long may have had nothing to read: its next entry decides.
    static func forgotten(
        _ groups: [GroupState], on stream: String, age: StreamID, redis: RedisClient
    ) async throws(SagaError) -> [String] {
        var forgotten: [String] = []
        for group in groups {
            var oldest = group.oldestPending
            if oldest == nil, group.lastDelivered < age, group.lag != 0 {
                let bounds = [group.lastDelivered, age].map { RedisArgument.string("(\($0)") }
                oldest = try await redis.look(
                    StreamEnd.firstEntry, at: stream, bounds[0], bounds[1]
                ).string.flatMap(StreamID.init)
            }
            guard let oldest, oldest < age else { continue }
            forgotten.append(group.name)
        }
        return forgotten
    }

    fileprivate static func facts(_ reply: RedisValue) -> [String: RedisValue] {
        guard let list = reply.array else { return [:] }
        var facts: [String: RedisValue] = [:]
        for index in stride(from: 0, to: list.count - 1, by: 2) {
            if let name = list[index].string { facts[name] = list[index + 1] }
        }
        return facts
    }
}
