import CloudEvents
import NIOCore
import Saga
import SagaRedis
import Testing
import TroupeRedis

/// Looks at what a system keeps in Redis, and delivers its events once more.
struct StoredState: Sendable {
    private let redis: RedisClient
    private let prefix: String

    init(of system: OrderSystem) {
        redis = system.redis
        prefix = system.settings.saga.namespace + ":"
    }

    /// Every record, index, timer and ledger by its key, and the length of every stream.
    ///
    /// Without the cursors: how far a group has read is not a state of an order.
    func everything() async throws -> [String: [String]] {
        var all: [String: [String]] = [:]
        for key in try await keys() where !key.hasSuffix(":cursor") {
            all[key] =
                switch try await type(of: key) {
                case "hash": try await hash(key)
                case "zset": try await texts("ZRANGE", key, [0, -1, "WITHSCORES"])
                case "stream": ["\(try await ask("XLEN", key).requireInteger())"]
                default: [try await ask("GET", key).requireString()]
                }
        }
        return all
    }

    /// Appends every event to its stream once more, as a redelivery would bring it.
    ///
    /// Answers how often, by stream.
    func deliverAllAgain() async throws -> [String: Int] {
        var counts: [String: Int] = [:]
        for stream in try await streams() {
            for entry in try await ask("XRANGE", stream, ["-", "+"]).requireArray() {
                let fields = try #require(entry[1]).strings().map { $0 ?? "" }
                _ = try await ask("XADD", stream, ["*"] + fields.map(RedisArgument.string))
                counts[stream, default: 0] += 1
            }
        }
        return counts
    }

    /// Every event that is there, with the stream that it is on.
    func events() async throws -> [(stream: String, event: CloudEvent)] {
        var events: [(stream: String, event: CloudEvent)] = []
        for stream in try await streams() {
            for entry in try await ask("XRANGE", stream, ["-", "+"]).streamEntries() {
                guard let data = entry["data"] else { continue }
                events.append((stream, try CloudEvent(json: Array(data.readableBytesView))))
            }
        }
        return events
    }

    /// Appends events that once were there.
    func deliver(_ events: [(stream: String, event: CloudEvent)]) async throws {
        for (stream, event) in events {
            _ = try await ask("XADD", stream, ["*", "data", .bytes(event.json())])
        }
    }

    /// Whether every group has read all of its stream and has nothing left to acknowledge.
    func isDealtWith() async throws -> Bool {
        for stream in try await streams() {
            let last = try await ask("XREVRANGE", stream, ["+", "-", "COUNT", 1])
            let lastID = last[0]?[0]?.string ?? "0-0"
            let groups = try await redis.send(
                RedisCommand("XINFO", ["GROUPS", .string(stream)], isReadOnly: true))
            for group in try groups.requireArray() {
                let facts = try group.requireArray()
                let pending = facts.firstIndex { $0.string == "pending" }
                let delivered = facts.firstIndex { $0.string == "last-delivered-id" }
                guard let pending, let delivered, facts[pending + 1].integer == 0,
                    facts[delivered + 1].string == lastID
                else { return false }
            }
        }
        return true
    }

    private func streams() async throws -> [String] {
        var streams: [String] = []
        for key in try await keys() where try await type(of: key) == "stream" {
            streams.append(key)
        }
        return streams
    }

    private func keys() async throws -> [String] {
        try await texts("KEYS", prefix + "*")
    }

    private func type(of key: String) async throws -> String {
        try await ask("TYPE", key).requireString()
    }

    /// The fields with their values, in the order of their names.
    private func hash(_ key: String) async throws -> [String] {
        try await ask("HGETALL", key).fields().map { "\($0.key)=\(String(buffer: $0.value))" }
            .sorted()
    }

    private func texts(
        _ command: String, _ key: String, _ arguments: [RedisArgument] = []
    ) async throws -> [String] {
        try await ask(command, key, arguments).strings().map { $0 ?? "" }
    }

    private func ask(
        _ command: String, _ key: String, _ arguments: [RedisArgument] = []
    ) async throws -> RedisValue {
        try await redis.send(RedisCommand(command, [.string(key)] + arguments))
    }
}
