import Saga
import TroupeRedis

/// Keeps dead letters: a stream of them, a mark for each entry that has one, and the ledger.
struct DeadLetterScript: Sendable {
    let redis: RedisClient
    let names: SagaKeys
    let service: String

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
        ]
        if let trace { keys.append(names.ledger(trace.sagaID, service: service)) }
        let blocked = trace?.blocked.map { "\($0.step) \($0.eventID)" } ?? ""
        let unknown = trace?.unknown ?? []
        var arguments: [RedisArgument] = [
            .integer(timeToLive.wholeSeconds), .string(blocked),
            .string(trace?.form.rawValue ?? ""), .integer(unknown.count),
        ]
        for mark in unknown {
            arguments += [.string(mark.step), .string(mark.expected), .string(mark.entry.text)]
        }
        arguments += fields(of: letter)
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

    // KEYS dead letters, the entry's mark, its ledger if it has one
    // ARGV time to live, blocked, form of keys, number of steps; step, expected state and text of
    //      each; the letter's fields
    //
    // A letter that a person has taken away is written again when its entry comes back. A ledger
    // of another type tells nothing and stays as it is: what is read comes before what is written.
    private static let script = RedisScript(
        """
        local ledger, count, found = KEYS[3], tonumber(ARGV[4]), {}
        local known = redis.call('GET', KEYS[2])
        local isKnown = known and #redis.call('XRANGE', KEYS[1], known, known) > 0
        local type = ledger and redis.call('TYPE', ledger).ok
        if type ~= 'hash' and type ~= 'none' then ledger = nil end
        if not isKnown then
            known = redis.call('XADD', KEYS[1], '*', unpack(ARGV, 5 + 3 * count))
            redis.call('SET', KEYS[2], known, 'EX', ARGV[1])
        end
        if not ledger then return found end
        for at = 5, 2 + 3 * count, 3 do
            local text = redis.call('HGET', ledger, ARGV[at]) or ''
            if string.match(text, '^[^ ]*') == ARGV[at + 1] then
                redis.call('HSET', ledger, ARGV[at], ARGV[at + 2])
                if text == '' and ARGV[3] ~= '' then
                    redis.call('HSET', ledger, 'form', ARGV[3])
                end
            end
            found[#found + 1] = text
        end
        if ARGV[2] ~= '' then
            redis.call('HSET', ledger, 'blocked', ARGV[2])
            redis.call('PERSIST', ledger)
        elseif type == 'none' then
            redis.call('EXPIRE', ledger, ARGV[1])
        end
        return found
        """)
}
