import EventStreams
import Saga
import TroupeRedis

/// Fetches entries that are pending for a consumer, as many as the bytes allow.
///
///     ID ──▶ pending for us? ──▶ how large? ──▶ fits ──▶ one delivery more, its fields
///                 │ no               │ alone too large ──▶ one delivery more, size and saga,
///                 │                  │                     and the end
///                 ▼                  └ no room left ──▶ the end, and not looked at
///             another's
///
/// Unlike a read of what is pending, it passes over what is held already, counts a delivery of
/// what it brings and of nothing else, and never brings more than it is allowed to.
struct FetchScript: Sendable {
    /// What became of an ID that was asked for.
    struct Found: Sendable {
        enum Finding: Sendable {
            case entry(RedisArray)
            case tooLarge(bytes: Int, sagaID: String?)
            /// It was deleted before it was dealt with.
            case gone
            /// It is not pending any more, or for another consumer.
            case anothers
        }

        var id: String
        var finding: Finding
    }

    let stream: String
    let group: String
    let consumer: String

    func fetch(
        _ ids: [String], _ portion: ReadPlan.Portion, over branch: RedisBranch,
        in epoch: RedisEpoch
    ) async throws(RedisError) -> [Found] {
        let reply = try await branch.evaluate(
            Self.script, keys: [stream],
            arguments: [
                .string(group), .string(consumer), .integer(portion.bytes),
                .integer(portion.entryBytes),
            ] + ids.map { .string($0) }, in: epoch)
        var found: [Found] = []
        for element in try reply.requireArray() {
            guard let id = element[0]?.string else { continue }
            found.append(Found(id: id, finding: Self.finding(element)))
        }
        return found
    }

    private static func finding(_ element: RedisValue) -> Found.Finding {
        guard element[1]?.integer != nil else { return .anothers }
        if let fields = element[2]?.array { return .entry(fields) }
        guard let bytes = element[3]?.integer else { return .gone }
        let sagaID = element[4]?.string.flatMap { $0.isEmpty ? nil : $0 }
        return .tooLarge(bytes: bytes, sagaID: sagaID)
    }

    // KEYS stream
    // ARGV group, consumer, bytes, bytes of one entry; IDs
    private static let script = RedisScript(
        """
        \(EntryLabel.script)
        local group, consumer = ARGV[1], ARGV[2]
        local left, most, isFirst, found = tonumber(ARGV[3]), tonumber(ARGV[4]), true, {}
        for at = 5, #ARGV do
            local id = ARGV[at]
            local held = redis.call('XPENDING', KEYS[1], group, id, id, 1)[1]
            if not held or held[2] ~= consumer then
                found[#found + 1] = {id}
            else
                local entry = redis.call('XRANGE', KEYS[1], id, id)[1]
                if not entry then
                    found[#found + 1] = {id, held[4]}
                else
                    local fields = entry[2]
                    local size = weigh(fields)
                    local isTooLarge = size > most
                    if size > left and not isFirst and not isTooLarge then break end
                    left, isFirst = left - size, false
                    redis.call('XCLAIM', KEYS[1], group, consumer, 0, id,
                        'RETRYCOUNT', held[4] + 1, 'JUSTID')
                    if isTooLarge then
                        local _, _, saga = label(fields)
                        found[#found + 1] = {id, held[4] + 1, false, size, saga}
                    else
                        found[#found + 1] = {id, held[4] + 1, fields}
                    end
                    if left < 0 then break end
                end
            end
        end
        return found
        """)
}
