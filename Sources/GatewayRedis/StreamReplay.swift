import CloudEvents
import EventStreams
import Gateway
import NIOCore
import TroupeRedis

/// Reads events that no channel brought, from where group `gateway` stands in each stream.
///
///     event ──▶ its tags
///     one that is too large, or is none ──▶ the tags of its label ──▶ everything, if that
///                                                                     does not tell all of them
struct StreamReplay: Sendable {
    /// How much is read.
    struct Limits: Sendable {
        /// Events; with more, everything is to be made invalid.
        var events: Int
        /// Bytes of them; with more, too.
        var bytes = 256 * 1024 * 1024
        /// Bytes of one, of which else its label has to do.
        var eventBytes = 32 * 1024 * 1024
    }

    /// What was found.
    struct Missed {
        /// Up to where each stream has been read.
        var positions: [String: String] = [:]
        /// There was more than is read, or something of which nobody can tell what it changed:
        /// everything is to be made invalid.
        var isEverything = false
        /// Events of which the label alone was read.
        var unreadable = 0
    }

    private let redis: RedisClient
    private let keys: CacheKeys
    private let rules: EventRules
    private let limits: Limits
    private let pages: StreamPages

    init(redis: RedisClient, keys: CacheKeys, rules: EventRules, limits: Limits) {
        self.redis = redis
        self.keys = keys
        self.rules = rules
        self.limits = limits
        pages = StreamPages(redis, plan: PagePlan(entryBytes: limits.eventBytes))
    }

    private var streams: [String] {
        rules.sources.map { keys.events.stream($0.event, owner: $0.service) }
    }

    /// Tells of each event since the positions stored.
    ///
    /// A group that is missing begins at the start of its stream: what happened before is not
    /// known, so all of it counts.
    func missed(_ tell: (Invalidation) -> Void) async throws(RedisError) -> Missed {
        var missed = Missed()
        var (events, bytes) = (0, 0)
        for (source, stream) in zip(rules.sources, streams) {
            let position = try await position(in: stream)
            missed.positions[stream] = position
            var walk = pages.walk(stream, from: "(" + position)
            while let page = try await walk.next(), !missed.isEverything {
                for found in page.found { take(found, from: source, &missed, tell) }
                missed.positions[stream] = page.found.last?.id
                events += page.found.count
                bytes += page.bytes
                missed.isEverything =
                    missed.isEverything || events > limits.events || bytes > limits.bytes
            }
            if missed.isEverything {
                missed.positions = try await ends()
                break
            }
        }
        return missed
    }

    private func take(
        _ found: StreamWalk.Found, from source: EventRules.Source, _ missed: inout Missed,
        _ tell: (Invalidation) -> Void
    ) {
        if let event = Self.event(in: found) {
            if let invalidation = rules.invalidation(of: event) { tell(invalidation) }
            return
        }
        missed.unreadable += 1
        if let known = rules.invalidation(of: found.label, from: source, entry: found.id) {
            tell(known)
        } else {
            missed.isEverything = true
        }
    }

    private static func event(in found: StreamWalk.Found) -> CloudEvent? {
        guard case .entry(let entry) = found, let text = entry["data"] else { return nil }
        return try? CloudEvent(json: Array(text.readableBytesView))
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
