import CloudEvents
import Redis
import Saga

/// What a saga's ledger held for some steps when an event was read.
struct LedgerLook: Sendable {
    private let entries: [String: LedgerEntry]

    init(_ entries: [String: LedgerEntry]) {
        self.entries = entries
    }

    /// What it held for a step; nil if nothing.
    subscript(_ step: String) -> LedgerEntry? { entries[step] }
}

/// Looks at the ledgers of all entries of one read together.
///
/// It costs one round trip for a read, where each entry would make one for itself. What cannot be
/// looked at comes without, and is looked at by whoever works on it.
struct LedgerReader: Sendable {
    let redis: RedisClient
    let names: ServiceKeys
    let streams: [ConsumedStream]

    func look(at entries: [HeldEntry]) async -> [HeldEntry] {
        var commands: [RedisCommand] = []
        var positions: [Int] = []
        for (position, entry) in entries.enumerated() {
            let steps = streams[entry.stream].stepsActingOutside
            guard !steps.isEmpty, case .event(let event) = entry.content else { continue }
            let key = RedisArgument.string(names.ledger(event.correlationID))
            commands.append(
                RedisCommand("HMGET", [key] + steps.map { .string($0) }, isReadOnly: true))
            positions.append(position)
        }
        guard !commands.isEmpty, let replies = try? await redis.send(batch: commands) else {
            return entries
        }
        var looked = entries
        for (position, reply) in zip(positions, replies) {
            guard let texts = try? reply.get().strings() else { continue }
            let steps = streams[entries[position].stream].stepsActingOutside
            var known: [String: LedgerEntry] = [:]
            for (step, text) in zip(steps, texts) { known[step] = text.map { LedgerEntry($0) } }
            looked[position] = entries[position].with(LedgerLook(known))
        }
        return looked
    }
}
