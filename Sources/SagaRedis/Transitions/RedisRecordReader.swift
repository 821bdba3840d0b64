import NIOCore
import Saga
import TroupeRedis

/// Reads one participant's records from Redis.
struct RedisRecordReader: RecordReader {
    let redis: RedisClient
    let keys: SagaKeys
    let service: String

    func fields(of record: RecordName) async throws(SagaError) -> [String: String] {
        let reply = try await redis.read(Self.readAll(key(record)))
        return try Self.fields(reply)
    }

    func fields(ofAll records: [RecordName]) async throws(SagaError) -> [[String: String]] {
        let replies: [Result<RedisValue, RedisError>]
        do {
            replies = try await redis.send(batch: records.map { Self.readAll(key($0)) })
        } catch {
            throw SagaError(error)
        }
        var all: [[String: String]] = []
        for reply in replies {
            let value = try decoding { () throws(RedisError) in try reply.get() }
            all.append(try Self.fields(value))
        }
        return all
    }

    func text(of record: RecordName) async throws(SagaError) -> String? {
        try await redis.read(
            RedisCommand("GET", [.string(key(record))], isReadOnly: true)
        ).string
    }

    func members(
        of index: RecordName, after: String?, limit: Int
    ) async throws(SagaError) -> [String] {
        var first = 0
        if let after {
            let rank = try await redis.read(
                RedisCommand(
                    "ZREVRANK", [.string(key(index)), .string(after)], isReadOnly: true))
            if let rank = rank.integer, rank < .max { first = rank + 1 }
        }
        let last = first.addingReportingOverflow(max(limit, 1) - 1)
        let reply = try await redis.read(
            RedisCommand(
                "ZREVRANGE",
                [
                    .string(key(index)), .integer(first),
                    .integer(last.overflow ? .max : last.partialValue),
                ],
                isReadOnly: true))
        return try decoding { () throws(RedisError) in try reply.strings() }.compactMap { $0 }
    }

    private func key(_ record: RecordName) -> String { keys.record(record, service: service) }

    private static func readAll(_ key: String) -> RedisCommand {
        RedisCommand("HGETALL", [.string(key)], isReadOnly: true)
    }

    private static func fields(_ reply: RedisValue) throws(SagaError) -> [String: String] {
        try decoding { () throws(RedisError) in try reply.fields() }
            .mapValues { String(buffer: $0) }
    }
}
