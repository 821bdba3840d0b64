import CloudEvents
import Redis
import Saga

/// What a saga's ledger held for some steps when somebody looked.
struct LedgerLook: Sendable {
    private var entries: [String: LedgerEntry] = [:]
    private let steps: [String]
    /// How its idempotency keys are made.
    let form: KeyForm

    static func command(_ ledger: String, _ steps: [String]) -> RedisCommand {
        let fields = steps.map { RedisArgument.string($0) }
        return RedisCommand(
            "HMGET", [.string(ledger)] + fields + [.string(KeyForm.field)], isReadOnly: true)
    }

    /// Reads the reply to the command for the same steps.
    init(_ reply: RedisValue, steps: [String]) throws(RedisError) {
        self.steps = steps
        let texts = try reply.strings()
        for (step, text) in zip(steps, texts) { entries[step] = text.map { LedgerEntry($0) } }
        form = KeyForm(rawValue: texts.last.flatMap { $0 } ?? "") ?? .named
    }

    /// Whether it asked for a step; of any other it says nothing.
    func covers(_ step: String) -> Bool { steps.contains(step) }

    /// What it held for a step that it covers; nil if nothing.
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
            commands.append(LedgerLook.command(names.ledger(event.correlationID), steps))
            positions.append(position)
        }
        guard !commands.isEmpty, let replies = try? await redis.send(batch: commands) else {
            return entries
        }
        var looked = entries
        for (position, reply) in zip(positions, replies) {
            let steps = streams[entries[position].stream].stepsActingOutside
            guard let look = try? LedgerLook(reply.get(), steps: steps) else { continue }
            looked[position] = entries[position].with(look)
        }
        return looked
    }
}
