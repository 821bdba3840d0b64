import EventStreams
import Saga
import TroupeRedis

/// Drops dead letters that nobody can act on any more, with the marks against a second one.
///
///     older than the horizon ─▶ its saga has ended, or its ledger is gone ─▶ dropped
///                                   │ it goes on, or is blocked
///                                   ▼
///                                 kept, for as long as that lasts
///
/// A letter that does not say whose it is goes by its age alone, unless its reason is one for which
/// a saga waits.
struct LetterRetention: Sendable {
    /// Some thousand letters at a time; the rest goes the next time.
    private static let pagesMaximum = 100
    private static let pageSize = 50
    /// Codes for which sagas wait.
    private static let awaited: Set<String> = [
        DeadLetter.Reason.blocked.rawValue, DeadLetter.Reason.halfApplied.rawValue,
    ]

    let redis: RedisClient
    let names: SagaKeys
    let service: String

    /// Drops what is older, as far as it may go.
    func drop(before age: StreamID, in epoch: RedisEpoch) async throws(SagaError) {
        guard age.milliseconds > 0 else { return }
        var start = "-"
        for _ in 0..<Self.pagesMaximum {
            let (page, isWhole) = try await look(from: start, to: "(\(age)", in: epoch)
            guard let last = page.last else { return }
            try await drop(page, in: epoch)
            if isWhole { return }
            start = "(\(last.id)"
        }
    }

    private struct Letter {
        var id: String
        var stream: String
        var entry: String
        var reason: String
        var saga: String
    }

    private func look(
        from start: String, to end: String, in epoch: RedisEpoch
    ) async throws(SagaError) -> (page: [Letter], isWhole: Bool) {
        let reply = try await run(
            Self.looking, [names.dead(service)],
            [.string(start), .string(end), .integer(Self.pageSize)], in: epoch)
        let words = reply.array?.map { $0.string ?? "" } ?? []
        let page = stride(from: 1, to: words.count - 4, by: 5).map {
            Letter(
                id: words[$0], stream: words[$0 + 1], entry: words[$0 + 2],
                reason: words[$0 + 3], saga: words[$0 + 4])
        }
        return (page, words.first == "whole")
    }

    private func drop(_ page: [Letter], in epoch: RedisEpoch) async throws(SagaError) {
        var keys = [names.dead(service)]
        var arguments: [RedisArgument] = []
        for letter in page {
            keys.append(names.letter(of: letter.entry, in: letter.stream, service: service))
            keys.append(names.ledger(letter.saga, service: service))
            let isAwaited = Self.awaited.contains(letter.reason)
            arguments += [
                .string(letter.id), letter.saga.isEmpty ? (isAwaited ? "keep" : "drop") : "look",
            ]
        }
        _ = try await run(Self.dropping, keys, arguments, in: epoch)
    }

    private func run(
        _ script: RedisScript, _ keys: [String], _ arguments: [RedisArgument], in epoch: RedisEpoch
    ) async throws(SagaError) -> RedisValue {
        do {
            return try await redis.evaluate(script, keys: keys, arguments: arguments, in: epoch)
        } catch {
            throw SagaError(error)
        }
    }

    // KEYS dead letters
    // ARGV where to begin, where to end, how many
    // → 'whole' if there are no more; of each: ID, stream, entry, reason, saga
    //
    // One by one, and no more once 16 MB have been looked at: a letter holds its event, which may
    // be large.
    private static let looking = RedisScript(
        """
        \(EntryLabel.script)
        local page, place, left = {''}, ARGV[1], 16777216
        for _ = 1, ARGV[3] do
            local letter = redis.call('XRANGE', KEYS[1], place, ARGV[2], 'COUNT', 1)[1]
            if not letter then
                page[1] = 'whole'
                return page
            end
            local known = {}
            for at = 1, #letter[2], 2 do known[letter[2][at]] = letter[2][at + 1] end
            page[#page + 1] = letter[1]
            for _, name in ipairs({'stream', 'entry', 'reason', 'saga'}) do
                page[#page + 1] = known[name] or ''
            end
            place, left = '(' .. letter[1], left - weigh(letter[2])
            if left < 0 then return page end
        end
        return page
        """)

    // KEYS dead letters, then of each letter: its entry's mark, its saga's ledger
    // ARGV of each: ID; whether to keep it, to drop it, or to look at the ledger
    //
    // A ledger that is not there is of a saga that has ended long ago: it has no expiry before. One
    // that cannot be read tells nothing. Those in front go by trimming, which any user may do.
    private static let dropping = RedisScript(
        """
        local function isOpen(ledger)
            local type = redis.call('TYPE', ledger).ok
            if type ~= 'hash' then return type ~= 'none' end
            local known = redis.call('HMGET', ledger, 'end', 'blocked', 'owes')
            local ends = known[1]
            return known[2] or known[3] or not (\(EndScript.hasEnded("ends")))
        end
        local gone, marks, kept = {}, {}, nil
        for number = 1, #ARGV, 2 do
            local id, mark, ledger = ARGV[number], KEYS[number + 1], KEYS[number + 2]
            if ARGV[number + 1] == 'keep' or ARGV[number + 1] == 'look' and isOpen(ledger) then
                kept = kept or id
            else
                gone[#gone + 1] = id
                marks[#marks + 1] = mark
            end
        end
        if #gone == 0 then return 0 end
        local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
        local answer = redis.pcall('XDEL', KEYS[1], unpack(gone))
        if type(answer) == 'table' and answer.err and first and first[1] == gone[1] then
            redis.call('XTRIM', KEYS[1], 'MINID', kept or gone[#gone])
        end
        for number, mark in ipairs(marks) do
            local id = gone[number]
            if #redis.call('XRANGE', KEYS[1], id, id) == 0
                and redis.call('TYPE', mark).ok == 'string' and redis.call('GET', mark) == id then
                redis.call('UNLINK', mark)
            end
        end
        return #gone
        """)
}
