import EventStreams
import Saga
import Synchronization
import TroupeRedis

/// Drops dead letters that nobody can act on any more, with the marks against a second one.
///
///     older than the horizon ─▶ its saga has ended, or its ledger is gone ─▶ dropped
///                                   │ it goes on, or is blocked
///                                   ▼
///                                 kept, for as long as that lasts
///
/// A letter that does not say whose it is goes by its age alone. But not one for which a saga
/// waits: a ledger that is gone proves nothing of it, as it had no end.
///
/// Each pass looks at so many and goes on where the one before has ended, so that those which are
/// kept hide nothing that stands behind them. After the last it begins anew.
final class LetterRetention: Sendable {
    /// What is looked at.
    struct Budget {
        /// Letters of a script, and of a pass.
        var page = 50
        var pass = 5000
        /// What they may weigh, as a letter holds its event.
        var pageBytes = 16_777_216
        var passBytes = 67_108_864
    }

    /// Codes for which sagas wait.
    private static let awaited: Set<String> = [
        DeadLetter.Reason.blocked.rawValue, DeadLetter.Reason.halfApplied.rawValue,
    ]

    private let redis: RedisClient
    private let names: SagaKeys
    private let service: String
    private let naming: SagaNaming
    private let budget: Budget
    /// Where the next pass begins.
    private let start = Mutex(LetterRetention.beginning)

    private static let beginning = "-"

    init(
        redis: RedisClient, names: SagaKeys, service: String, naming: SagaNaming,
        budget: Budget = Budget()
    ) {
        self.redis = redis
        self.names = names
        self.service = service
        self.naming = naming
        self.budget = budget
    }

    /// Drops what is older, as far as it may go.
    func drop(before age: StreamID, in epoch: RedisEpoch) async throws(SagaError) {
        guard age.milliseconds > 0 else { return }
        var (letters, bytes) = (budget.pass, budget.passBytes)
        while letters > 0, bytes > 0 {
            let page = try await look(
                from: start.withLock { $0 }, to: "(\(age)", atMost: letters, in: epoch)
            if !page.letters.isEmpty { try await drop(page.letters, in: epoch) }
            let next = page.next
            start.withLock { $0 = next ?? Self.beginning }
            if next == nil { return }
            letters -= page.letters.count
            bytes -= page.bytes
        }
    }

    private func look(
        from start: String, to end: String, atMost count: Int, in epoch: RedisEpoch
    ) async throws(SagaError) -> LetterPage {
        let count = min(count, budget.page)
        let reply = try await run(
            LetterPage.script, [names.dead(service)],
            LetterPage.arguments(from: start, to: end, atMost: count, bytes: budget.pageBytes),
            in: epoch)
        return LetterPage(reply, atMost: count, bytes: budget.pageBytes)
    }

    private func drop(_ page: [LetterPage.Letter], in epoch: RedisEpoch) async throws(SagaError) {
        var keys = [names.dead(service)]
        var arguments: [RedisArgument] = []
        for letter in page {
            keys.append(names.letter(of: letter.entry, in: letter.stream, service: service))
            keys.append(names.ledger(named: letter.saga, by: naming, service: service))
            let isAwaited = Self.awaited.contains(letter.reason)
            arguments += [
                .string(letter.id), .string(letter.saga.isEmpty ? "" : "look"),
                isAwaited ? "keep" : "drop",
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

    // KEYS dead letters, then of each letter: its entry's mark, its saga's ledger
    // ARGV of each: ID; whether to look at the ledger; whether to keep or to drop it without one
    //
    // A ledger that is not there is of a saga that has ended long ago, as it has no expiry before,
    // unless something was lost. One that cannot be read tells nothing. Those in front go by
    // trimming, which any user may do.
    private static let dropping = RedisScript(
        """
        local function isKept(ledger, otherwise)
            local type = ledger and redis.call('TYPE', ledger).ok or 'none'
            if type == 'none' then return otherwise == 'keep' end
            if type ~= 'hash' then return true end
            local known = redis.call('HMGET', ledger, 'end', 'blocked', 'owes')
            local ends = known[1]
            return known[2] or known[3] or not (\(EndScript.hasEnded("ends")))
        end
        local gone, marks, kept = {}, {}, nil
        for number = 1, #ARGV / 3 do
            local id, mark, ledger = ARGV[3 * number - 2], KEYS[2 * number], KEYS[2 * number + 1]
            if isKept(ARGV[3 * number - 1] == 'look' and ledger, ARGV[3 * number]) then
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
