import Saga
import Timekeeping
import TroupeRedis

/// Keeps dead letters: a stream of them, a mark for each entry that has one, and the ledger.
struct DeadLetterScript: Sendable {
    let redis: RedisClient
    let names: SagaKeys
    let service: String
    let naming: SagaNaming

    /// Writes the letter, unless the entry has one already, and what the ledger has to say of it.
    ///
    /// In one script, so that no step that may have acted is without a trace once its entry is
    /// acknowledged. Whoever dies between this and the acknowledgement gets the entry again. Both
    /// in one script would not do: the entry's stream is its emitter's, so it may lie in another
    /// slot.
    ///
    /// - Returns: what the ledger held before, for each step of the trace.
    func keep(
        _ letter: DeadLetter, _ trace: DeadLetter.Trace?, timeToLive: Duration,
        in epoch: RedisEpoch? = nil
    ) async throws(SagaError) -> [LedgerEntry] {
        var keys = [
            names.dead(service), names.letter(of: letter.id, in: letter.stream, service: service),
            names.blocked(service),
        ]
        if let trace {
            keys.append(names.ledger(named: trace.sagaID, by: naming, service: service))
        }
        let arguments =
            [
                .integer(timeToLive.wholeSeconds),
                .string(trace?.blocked.map { "\($0.step) \($0.eventID)" } ?? ""),
                .string(trace?.sagaID ?? ""),
            ] + LedgerMarks.arguments(trace) + fields(of: letter)
            + (trace.map { ["saga", .string($0.sagaID)] } ?? [])
        do {
            let reply = try await redis.evaluate(
                Self.script, keys: keys, arguments: arguments, in: epoch)
            return try reply.strings().map { LedgerEntry($0 ?? "") }
        } catch {
            throw SagaError(error)
        }
    }

    private func fields(of letter: DeadLetter) -> [RedisArgument] {
        [
            "event", .bytes(letter.event), "stream", .string(letter.stream),
            "entry", .string(letter.id), "group", .string(service),
            "reason", .string(letter.reason.rawValue),
            "error", .string(String(letter.error.prefix(1000))),
            "attempts", .integer(letter.attempts), "first", .integer(Int(letter.firstTime)),
            "last", .integer(Int(letter.lastTime)),
        ]
    }

    // KEYS dead letters, the entry's mark, what is blocked, its ledger if it has one
    // ARGV time to live, blocked, saga ID; the ledger's marks; the letter's fields
    //
    // What may have been done keeps its ledger until that is undone.
    // A letter that a person has taken away is written again when its entry comes back. A ledger
    // of another type tells nothing and stays as it is: what is read comes before what is written.
    private static let script = RedisScript(
        """
        \(LedgerMarks.script)
        local ledger, rest = KEYS[4], ledgerMarksEnd(4)
        local known = redis.call('GET', KEYS[2])
        local isKnown = known and #redis.call('XRANGE', KEYS[1], known, known) > 0
        local type = ledger and redis.call('TYPE', ledger).ok
        if type ~= 'hash' and type ~= 'none' then ledger = nil end
        if not isKnown then
            known = redis.call('XADD', KEYS[1], '*', unpack(ARGV, rest))
            redis.call('SET', KEYS[2], known, 'EX', ARGV[1])
        end
        if not ledger then return {} end
        local found = writeLedgerMarks(ledger, 4)
        if ARGV[2] ~= '' then
            redis.call('HSET', ledger, 'blocked', ARGV[2])
            redis.call('PERSIST', ledger)
            local time = redis.call('TIME')
            redis.pcall('ZADD', KEYS[3], 'NX', time[1] * 1000 + math.floor(time[2] / 1000), ARGV[3])
        end
        return found
        """)
}
