import TroupeRedis

/// How often entries were delivered, which only `XPENDING` tells.
struct DeliveryCounts: Sendable {
    let redis: RedisClient
    let group: String

    /// By entry ID; entries that cannot be told are left out, and so count as few.
    func counts(of ids: [String], in stream: String) async -> [String: Int] {
        guard !ids.isEmpty else { return [:] }
        let commands = ids.map {
            RedisCommand.xpending(stream, group, from: $0, to: $0, count: 1)
        }
        guard let replies = try? await redis.send(batch: commands) else { return [:] }
        var counts: [String: Int] = [:]
        for reply in replies {
            guard let value = try? reply.get(), let entries = try? value.pendingEntries() else {
                continue
            }
            for entry in entries { counts[entry.id] = entry.deliveries }
        }
        return counts
    }
}
