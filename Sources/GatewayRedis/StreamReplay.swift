import CloudEvents
import EventStreams
import Gateway
import NIOCore
import TroupeRedis

/// Reads events that no channel brought, from where group `gateway` stands in each stream.
struct StreamReplay: Sendable {
    /// What was found.
    struct Missed {
        /// Up to where each stream has been read.
        var positions: [String: String] = [:]
        /// There were more events than are read; everything is to be made invalid instead.
        var isTooMuch = false
    }

    private static let page = 500

    let redis: RedisClient
    let keys: CacheKeys
    let rules: EventRules
    let limit: Int

    private var streams: [String] {
        rules.sources.map { keys.events.stream($0.event, owner: $0.service) }
    }

    /// Tells of each event since the positions stored.
    ///
    /// A group that is missing begins at the start of its stream: what happened before is not
    /// known, so all of it counts.
    func missed(_ tell: (Invalidation) -> Void) async throws(RedisError) -> Missed {
        var missed = Missed()
        var total = 0
        for stream in streams {
            var position = try await position(in: stream)
            while total <= limit {
                let entries = try await redis.send(
                    .xrange(stream, from: "(" + position, count: StreamReplay.page)
                ).streamEntries()
                for entry in entries {
                    if let invalidation = invalidation(in: entry) { tell(invalidation) }
                    position = entry.id
                }
                total += entries.count
                if entries.count < StreamReplay.page { break }
            }
            missed.positions[stream] = position
        }
        if total > limit {
            missed.positions = try await ends()
            missed.isTooMuch = true
        }
        return missed
    }

    /// The last ID of each stream that is there.
    func ends() async throws(RedisError) -> [String: String] {
        let streams = streams
        var ends: [String: String] = [:]
        for group in rules.groups {
            let keys = group.map { streams[$0] }
            let last = try await redis.evaluate(
                StreamEnd.lastIDs, keys: keys, arguments: [.string(CacheKeys.group)]
            ).strings()
            for (stream, id) in zip(keys, last) { ends[stream] = id }
        }
        return ends
    }

    /// Stores up to where every event has been raised.
    func store(_ positions: [String: String]) async throws(RedisError) {
        for (stream, position) in positions where position != "0-0" {
            do {
                _ = try await redis.send(.xgroupSetID(stream, CacheKeys.group, to: position))
            } catch {
                guard error.code == .server("NOGROUP") || error.code == .server("ERR") else {
                    throw error
                }
                try await create(in: stream, at: position)
            }
        }
    }

    private func position(in stream: String) async throws(RedisError) -> String {
        do {
            let groups = try await redis.send(.xinfoGroups(stream)).requireArray()
            for group in groups {
                let facts = try group.fields(of: ["name", "last-delivered-id"])
                if facts["name"] == CacheKeys.group, let id = facts["last-delivered-id"] {
                    return id
                }
            }
        } catch {
            // There is no such stream yet.
            guard error.code == .server("ERR") else { throw error }
        }
        try await create(in: stream, at: "0")
        return "0-0"
    }

    private func create(in stream: String, at position: String) async throws(RedisError) {
        do {
            _ = try await redis.send(.xgroupCreate(stream, CacheKeys.group, from: position))
        } catch {
            guard error.code == .server("BUSYGROUP") else { throw error }
        }
    }

    private func invalidation(in entry: RedisStreamEntry) -> Invalidation? {
        guard let text = entry["data"],
            let event = try? CloudEvent(json: Array(text.readableBytesView))
        else { return nil }
        return rules.invalidation(of: event)
    }
}

extension RedisValue {
    /// Some of the pairs of a flat list of names and values.
    fileprivate func fields(of names: Set<String>) throws(RedisError) -> [String: String] {
        let list = try requireArray()
        var found: [String: String] = [:]
        for index in stride(from: 0, to: list.count - 1, by: 2) {
            guard let name = list[index].string, names.contains(name) else { continue }
            found[name] = list[index + 1].string
        }
        return found
    }
}
