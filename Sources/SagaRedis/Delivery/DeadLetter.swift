import CloudEvents
import Redis
import Saga

/// An event that a participant cannot deal with, kept until a person does.
struct DeadLetter: Sendable {
    /// Why, as a code in snake case.
    enum Reason: String, Sendable {
        /// Not an event, or its payload is not of its type.
        case undecodable
        /// An event of a type that the stream is not for.
        case unknownType = "unknown_type"
        /// A payload of a version to come.
        case futureVersion = "future_version"
        /// Delivered so often without an end that it must be bringing processes down.
        case tooManyDeliveries = "too_many_deliveries"
        /// A compensation or a finish that kept failing.
        case blocked
        /// A transition failed after it had begun to write, and is not run again.
        case halfApplied = "half_applied"
        /// The ledger contradicts the event, or a record has a type of its own.
        case contradiction
    }

    var event: [UInt8]
    var stream: String
    var id: String
    var reason: Reason
    var error: String
    var attempts: Int
    /// When it was first tried, in milliseconds since 1970.
    var firstTime: Int64

    /// What the ledger has to say once there is a letter.
    struct Trace: Sendable {
        /// What a field is to hold if it holds what is expected, the state of an unknown outcome.
        struct Mark: Sendable {
            var step: String
            var expected: String
            var entry: LedgerEntry
        }

        var sagaID: String
        /// Steps that may have acted.
        var unknown: [Mark] = []
        /// Where the saga is blocked, and by which event.
        var blocked: (step: String, eventID: String)?
        /// The form of idempotency keys that goes with what is unknown.
        var form = KeyForm.sagaAndStep

        /// Nobody knows what of a transition stands: its step is unknown, whatever it works on,
        /// and so is a saga's life.
        ///
        /// Its script has said so already, and better: it knew what stood there before.
        mutating func halfApplied(_ field: String, expected: String, eventID: String) {
            blocked = (field, eventID)
            unknown.removeAll { $0.step == field }
            guard expected != LedgerEntry.unknown else { return }
            let entry = LedgerEntry(state: expected, eventID: eventID).halfApplied(from: expected)
            unknown.append(Mark(step: field, expected: expected, entry: entry))
        }
    }

    /// What is wrong, and what a person has to do about what a transition left half written.
    static func halfApplied(_ error: String, field: String, ledger: String) -> String {
        """
        \(error); none of its events went out. Next: put the records of the saga back as they \
        were, set the field \(field) of \(ledger) to what follows half_applied in it (remove it if \
        nothing does), remove its field blocked, and make what asked for the transition come again.
        """
    }

    /// Writes the letter, unless the entry has one already, and what the ledger has to say of it.
    ///
    /// In one script, so that no step that may have acted is without a trace once its entry is
    /// acknowledged. Whoever dies between this and the acknowledgement gets the entry again. Both
    /// in one script would not do: the entry's stream is its emitter's, so it may lie in another
    /// slot.
    ///
    /// - Returns: what the ledger held before, for each step of the trace.
    func write(
        _ trace: Trace?, to redis: RedisClient, names: SagaKeys, service: String,
        timeToLive: Duration, in epoch: RedisEpoch? = nil
    ) async throws(SagaError) -> [LedgerEntry] {
        var keys = [names.dead(service), names.letter(of: id, in: stream, service: service)]
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
        arguments += [
            "event", .bytes(event), "stream", .string(stream), "entry", .string(id),
            "group", .string(service), "reason", .string(reason.rawValue),
            "error", .string(String(error.prefix(1000))), "attempts", .integer(attempts),
            "first", .integer(Int(firstTime)), "last", .integer(Int(SystemTime.milliseconds())),
        ]
        do {
            let reply = try await redis.evaluate(
                Self.script, keys: keys, arguments: arguments, in: epoch)
            return try reply.strings().map { LedgerEntry($0 ?? "") }
        } catch {
            throw SagaError(error)
        }
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
