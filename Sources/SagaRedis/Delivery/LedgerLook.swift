import CloudEvents
import Redis
import Saga

/// What a saga's ledger held for some steps when somebody looked.
final class LedgerLook: Sendable {
    private let steps: [String]
    /// In the order of the steps; empty if it held nothing of any of them.
    private let entries: [LedgerEntry?]
    /// How its idempotency keys are made.
    let form: KeyForm

    static func command(_ ledger: String, _ steps: [String]) -> RedisCommand {
        var words: [RedisArgument] = [.string(ledger)]
        words.reserveCapacity(steps.count + 2)
        for step in steps { words.append(.string(step)) }
        words.append(.string(KeyForm.field))
        return RedisCommand("HMGET", words, isReadOnly: true)
    }

    /// Reads the reply to the command for the same steps.
    init(_ reply: RedisValue, steps: [String]) throws(RedisError) {
        self.steps = steps
        let texts = try reply.strings()
        entries =
            texts.contains { $0 != nil }
            ? texts.prefix(steps.count).map { text in text.map { LedgerEntry($0) } } : []
        form = KeyForm(rawValue: texts.last.flatMap { $0 } ?? "") ?? .named
    }

    /// Whether it asked for a step; of any other it says nothing.
    func covers(_ step: String) -> Bool { steps.contains(step) }

    /// What it held for a step that it covers; nil if nothing.
    subscript(_ step: String) -> LedgerEntry? {
        guard let index = steps.firstIndex(of: step), entries.indices.contains(index) else {
            return nil
        }
        return entries[index]
    }
}

/// Looks at the ledgers of all entries of one read together.
///
/// It costs one round trip for a read, where each entry would make one for itself. What cannot be
/// looked at comes without, and is looked at by whoever works on it.
struct LedgerReader: Sendable {
    let redis: RedisClient
    let names: ServiceKeys
    let streams: [ConsumedStream]

    func look(at entries: [HeldEntry]) async {
        var commands: [RedisCommand] = []
        var looked: [HeldEntry] = []
        for entry in entries {
            let steps = streams[entry.stream].stepsActingOutside
            guard !steps.isEmpty, case .event = entry.content else { continue }
            commands.append(LedgerLook.command(names.ledger(entry.lane), steps))
            looked.append(entry)
        }
        guard !commands.isEmpty, let replies = try? await redis.send(batch: commands) else {
            return
        }
        for (entry, reply) in zip(looked, replies) {
            let steps = streams[entry.stream].stepsActingOutside
            guard let look = try? LedgerLook(reply.get(), steps: steps) else { continue }
            entry.keep(look)
        }
    }
}
