import Saga
import TroupeRedis

// What a step owes, and when it is tried again:
//
//     ledger   owes          -> "charge reserve"      the steps that owe something
//              owes:charge   -> since, tries, type and entry; error; event
//              blocked       -> "charge <eventID>"    the first of them
//     open     saga -> when it is tried again, by the server's clock
//     blocked  saga -> since when it makes no progress, as it also does if it waits for a person
//     asks     saga -> since when it owes something of which a person is asked

/// The scripts of what is owed.
///
/// Of commands that the transitions use already: a user that may run those may run these.
enum DebtScripts {
    private static let time = """
        local time = redis.call('TIME')
        local now = time[1] * 1000 + math.floor(time[2] / 1000)
        """

    /// Refuses keys of other types before anything is written, as nothing is undone after that.
    ///
    /// - Parameter types: of the script's keys in turn.
    private static func expects(_ types: String...) -> String {
        """
        for number, type in ipairs({\(types.map { "'\($0)'" }.joined(separator: ", "))}) do
            local known = redis.call('TYPE', KEYS[number]).ok
            if known ~= 'none' and known ~= type then
                return redis.error_reply('WRONGTYPE a key of what is owed has a type of its own')
            end
        end
        """
    }

    /// A ledger, and the lists of sagas.
    private static let ledgerAndLists = expects("hash", "zset", "zset", "zset")

    /// Defines `noteAsking(ledger, asks, saga, steps)`, of the steps that owe something.
    private static let asking = """
        local function noteAsking(ledger, asks, saga, steps)
            for step in string.gmatch(steps or '', '[^ ]+') do
                local text = redis.call('HGET', ledger, 'owes:' .. step)
                local head = text and string.match(text, '^[^\\n]*\\n[^\\n]*')
                if head and string.find(head, '\\n\(Debt.asking(""))', 1, true) then
                    redis.call('ZADD', asks, 'NX', string.match(text, '^%d+') or 0, saga)
                    return
                end
            end
            redis.call('ZREM', asks, saga)
        end
        """

    // KEYS ledger, open, blocked, asks
    // ARGV pause in milliseconds, saga ID, step, tries, what stands behind since when, blocked,
    //      then the ledger's marks
    // → whether the step owed nothing before
    //
    // Who asks a second time leaves what is owed as it is; who tried it in vain writes over it.
    static let park = RedisScript(
        """
        \(ledgerAndLists)
        \(LedgerMarks.script)
        \(asking)
        \(time)
        local step, field = ARGV[3], 'owes:' .. ARGV[3]
        local known = redis.call('HGET', KEYS[1], field)
        local since = known and string.match(known, '^%d+') or string.format('%.0f', now)
        if not known or tonumber(ARGV[4]) > 1 then
            redis.call('HSET', KEYS[1], field, since .. ARGV[5])
            redis.call('ZADD', KEYS[2], now + ARGV[1], ARGV[2])
        end
        if not known then
            local owes = redis.call('HGET', KEYS[1], 'owes')
            redis.call('HSET', KEYS[1], 'owes', owes and owes .. ' ' .. step or step)
        end
        writeLedgerMarks(KEYS[1], 7)
        if not redis.call('HGET', KEYS[1], 'blocked') then
            redis.call('HSET', KEYS[1], 'blocked', ARGV[6])
        end
        redis.call('PERSIST', KEYS[1])
        redis.call('ZADD', KEYS[3], 'NX', since, ARGV[2])
        noteAsking(KEYS[1], KEYS[4], ARGV[2], redis.call('HGET', KEYS[1], 'owes'))
        return known and 0 or 1
        """)

    // KEYS open, blocked, asks
    // ARGV how many to take, claim in milliseconds
    // → {now, milliseconds until the next or -1, how many are blocked, since when the oldest is or
    //    0, which one that is, how many owe something, how many ask a person, the sagas taken …}
    //
    // A member's rank is the number of those behind it, which Redis knows at once. All lists are
    // read before anything is written: who only looks needs no more rights than that.
    static let take = RedisScript(
        """
        \(time)
        local function first(key)
            return redis.call('ZRANGEBYSCORE', key, '-inf', '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
        end
        local function count(key, member)
            return member and redis.call('ZREVRANK', key, member) + 1 or 0
        end
        local oldest = first(KEYS[2])
        local answer = {
            now, -1,
            count(KEYS[2], oldest[1]), oldest[2] and tonumber(oldest[2]) or 0, oldest[1] or '',
            count(KEYS[1], first(KEYS[1])[1]), count(KEYS[3], first(KEYS[3])[1]),
        }
        local taken = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])
        for _, saga in ipairs(taken) do
            redis.call('ZADD', KEYS[1], now + ARGV[2], saga)
            answer[#answer + 1] = saga
        end
        local open = first(KEYS[1])
        if open[2] then answer[2] = math.max(0, tonumber(open[2]) - now) end
        return answer
        """)

    // KEYS ledger, open, blocked, asks
    // ARGV saga ID
    // → {step, what it owes, …}
    //
    // Whose ledger says no more that it is blocked, or is gone, is not.
    static let read = RedisScript(
        """
        \(ledgerAndLists)
        \(asking)
        local found = {}
        local known = redis.call('HMGET', KEYS[1], 'owes', 'blocked')
        for step in string.gmatch(known[1] or '', '[^ ]+') do
            local text = redis.call('HGET', KEYS[1], 'owes:' .. step)
            if text then
                found[#found + 1] = step
                found[#found + 1] = text
            end
        end
        if #found == 0 then redis.call('ZREM', KEYS[2], ARGV[1]) end
        if #found == 0 and not known[2] then redis.call('ZREM', KEYS[3], ARGV[1]) end
        noteAsking(KEYS[1], KEYS[4], ARGV[1], known[1])
        return found
        """)

    // KEYS ledger, open, blocked, asks
    // ARGV saga ID
    static let progress = RedisScript(
        """
        \(ledgerAndLists)
        \(time)
        if redis.call('HGET', KEYS[1], 'blocked') then return 0 end
        redis.call('ZREM', KEYS[3], ARGV[1])
        if redis.call('ZREVRANK', KEYS[2], ARGV[1]) then
            redis.call('ZADD', KEYS[2], now, ARGV[1])
        end
        return 1
        """)

    // KEYS ledger, open, blocked, asks
    // ARGV saga ID, step, 1 if it is done, life of the ledger in seconds,
    //      1 if it may only go once its saga has ended
    static let settle = RedisScript(
        """
        \(ledgerAndLists)
        \(asking)
        redis.call('HDEL', KEYS[1], 'owes:' .. ARGV[2])
        local rest = {}
        for step in string.gmatch(redis.call('HGET', KEYS[1], 'owes') or '', '[^ ]+') do
            if step ~= ARGV[2] then rest[#rest + 1] = step end
        end
        if #rest == 0 then
            redis.call('HDEL', KEYS[1], 'owes')
            redis.call('ZREM', KEYS[2], ARGV[1])
        else
            redis.call('HSET', KEYS[1], 'owes', table.concat(rest, ' '))
        end
        noteAsking(KEYS[1], KEYS[4], ARGV[1], table.concat(rest, ' '))
        local blocked = redis.call('HGET', KEYS[1], 'blocked')
        if blocked and ARGV[3] == '1' and string.match(blocked, '^[^ ]*') == ARGV[2] then
            redis.call('HDEL', KEYS[1], 'blocked')
            blocked = false
        end
        if #rest == 0 and not blocked then
            redis.call('ZREM', KEYS[3], ARGV[1])
            local ends = redis.call('HGET', KEYS[1], 'end')
            if ARGV[5] ~= '1' or \(EndScript.hasEnded("ends")) then
                redis.call('EXPIRE', KEYS[1], ARGV[4])
            end
        end
        return 1
        """)

    // KEYS open
    // ARGV how many at most
    // → how many were not due
    static let hurry = RedisScript(
        """
        \(time)
        local later = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. now, '+inf', 'LIMIT', 0, ARGV[1])
        for _, saga in ipairs(later) do redis.call('ZADD', KEYS[1], now, saga) end
        return #later
        """)

    // KEYS open
    // ARGV saga ID
    static let hurryOne = RedisScript(
        """
        if not redis.call('ZREVRANK', KEYS[1], ARGV[1]) then return 0 end
        \(time)
        redis.call('ZADD', KEYS[1], now, ARGV[1])
        return 1
        """)
}
