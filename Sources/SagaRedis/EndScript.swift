import Saga
import Timekeeping
import TroupeRedis

/// Notes how sagas end, in the ledgers of one who took part.
///
///     ledger  end -> completed | cancelled | awaiting inventory,shipping 1 {…}
///     timers  the owner's look at who has not finished goes with the last of them
struct EndScript: Sendable {
    /// Ledgers of one script; more would keep the server from others for too long.
    private static let batchMaximum = 64

    let redis: RedisClient
    let keys: ServiceKeys
    let life: Duration

    func note(_ endings: SagaEndings, in epoch: RedisEpoch?) async throws(SagaError) {
        var rest = endings.ends[...]
        while !rest.isEmpty {
            try await note(rest.prefix(Self.batchMaximum), endings, in: epoch)
            rest = rest.dropFirst(Self.batchMaximum)
        }
    }

    private func note(
        _ ends: ArraySlice<SagaEnd>, _ endings: SagaEndings, in epoch: RedisEpoch?
    ) async throws(SagaError) {
        var arguments: [RedisArgument] = [
            .integer(life.wholeSeconds), .integer(endings.mayComeLate ? 1 : 0),
            .integer(endings.steps.count),
        ]
        arguments += endings.steps.map { .string($0) }
        for end in ends {
            arguments.append(.string(Self.word(end.news)))
            let timer = endings.timer.map { TimerScript.member(end.sagaID, event: $0) }
            arguments.append(.string(timer ?? ""))
        }
        do {
            _ = try await redis.evaluate(
                Self.script, keys: [keys.timers] + ends.map { keys.ledger($0.sagaID) },
                arguments: arguments, in: epoch)
        } catch {
            throw SagaError(error)
        }
    }

    /// Whether a ledger's field `end` says that its saga has ended, as a condition in a script.
    ///
    /// - Parameter field: the variable that holds it, or false.
    static func hasEnded(_ field: String) -> String {
        "\(field) and not string.match(\(field), '^\(LedgerEnd.awaitingWord) ')"
    }

    /// How it ends; behind a plus, who has finished.
    private static func word(_ news: SagaEnd.News) -> String {
        switch news {
        case .completed: LedgerEnd.completed.text
        case .cancelled: LedgerEnd.cancelled.text
        case .finished(let name): "+" + name
        }
    }

    // KEYS timers, then a ledger each
    // ARGV life of a ledger in seconds, whether something may come after the end, number of steps,
    //      the steps; then of each ledger: its news, the member of its timer or nothing
    //
    // EXPIRE says whether there is a ledger at all. One of another type is left out.
    private static let script = RedisScript(
        """
        local call, match = redis.call, string.match
        local steps = tonumber(ARGV[3])
        local function rest(awaited, name)
            local names = {}
            for known in string.gmatch(awaited, '[^,]+') do
                if known ~= name then names[#names + 1] = known end
            end
            return table.concat(names, ',')
        end
        local function kept(known)
            if known[1] or known[2] then return true end
            for number = 4, 3 + steps do
                if known[number] and match(known[number], '^unknown ') then return true end
            end
        end
        for number = 2, #KEYS do
            local ledger, at = KEYS[number], 2 * number + steps
            local known = redis.pcall(
                'HMGET', ledger, 'blocked', 'owes', 'end', unpack(ARGV, 4, 3 + steps))
            local ends = not known.err and ARGV[at]
            local name = ends and match(ends, '^[+](.*)')
            if name then
                local awaited, said = match(
                    known[3] or '', '^\(LedgerEnd.awaitingWord) ([^ ]*)(.*)')
                local left = awaited and rest(awaited, name)
                ends = left == '' and 'completed'
                if left and left ~= '' and left ~= awaited then
                    call('HSET', ledger, 'end', '\(LedgerEnd.awaitingWord) ' .. left .. said)
                end
            end
            if ends and (kept(known) or call('EXPIRE', ledger, ARGV[1]) == 1) then
                call('HSET', ledger, 'end', ends)
                if ARGV[at + 1] ~= '' then redis.pcall('ZREM', KEYS[1], ARGV[at + 1]) end
            elseif ends and not name and ARGV[2] == '1' then
                call('HSET', ledger, 'end', ends)
                call('EXPIRE', ledger, ARGV[1])
            end
        end
        return 1
        """)
}
