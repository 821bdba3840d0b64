import Redis

/// The one atomic step: compare and set one ledger field, with all that goes with it.
///
///     KEYS  1    the ledger, or any key if there is no ledger field
///           2…   whatever checks and writes name by their position
///     ARGV  1    ledger field; empty for a transaction outside a saga
///           2    state expected there, empty for none
///           3    text to set there
///           4    seconds that the ledger lives on
///           5    where the checks begin
///           6…   writes: command, key, number of arguments, arguments
///           …    checks: kind, key, operand, operand
///
///     1                   applied
///     {'state', text}     the ledger holds something else: its text
///     {'check', number}   the check of that number does not hold
///
/// A script has no rollback. So all checks come before the first write, and that first write,
/// which is to a record, may fail by itself: on another type of record, on a server without
/// memory to spare. Every further record is checked for its type beforehand. A blocked saga's
/// ledger does not expire; the transition that gets its step going unblocks it.
enum TransitionScript {
    static let script = RedisScript(
        """
        local field, ledger = ARGV[1], KEYS[1]
        local blocked
        if field ~= '' then
            local known = redis.call('HMGET', ledger, field, 'blocked')
            local text = known[1] or ''
            if string.match(text, '^[^ ]*') ~= ARGV[2] then return {'state', text} end
            blocked = known[2]
        end
        local at, last = tonumber(ARGV[5]), #ARGV
        local number = 0
        while at < last do
            number = number + 1
            local kind, key = ARGV[at], KEYS[tonumber(ARGV[at + 1])]
            local one, other = ARGV[at + 2], ARGV[at + 3]
            local holds
            if kind == 'type' then
                local found = redis.call('TYPE', key).ok
                holds = found == 'none' or found == one
            elseif kind == 'absent' then
                holds = redis.call('EXISTS', key) == 0
            elseif kind == 'exists' then
                holds = redis.call('EXISTS', key) == 1
            elseif kind == 'equals' then
                holds = redis.call('HGET', key, one) == other
            elseif kind == 'least' then
                local value = tonumber(redis.call('HGET', key, one) or '0')
                holds = value and value >= tonumber(other)
            elseif kind == 'number' then
                local value = redis.call('HGET', key, one)
                holds = not value or string.match(value, '^-?%d+$')
            end
            if not holds then return {'check', number} end
            at = at + 4
        end
        local now
        at, last = 6, tonumber(ARGV[5])
        while at < last do
            local command, key = ARGV[at], KEYS[tonumber(ARGV[at + 1])]
            local first = at + 3
            at = first + tonumber(ARGV[at + 2])
            if command == 'event' then
                local event = ARGV[first]
                redis.call('XADD', key, '*', 'data', event, 'type', ARGV[first + 1],
                    'id', ARGV[first + 2], 'correlationid', ARGV[first + 3])
                redis.call('PUBLISH', ARGV[first + 4], event)
            elseif command == 'timer' then
                if not now then
                    local time = redis.call('TIME')
                    now = time[1] * 1000 + math.floor(time[2] / 1000)
                end
                redis.call('ZADD', key, now + ARGV[first + 1], ARGV[first])
            else
                redis.call(command, key, unpack(ARGV, first, at - 1))
            end
        end
        if field ~= '' then
            redis.call('HSET', ledger, field, ARGV[3])
            if blocked and string.match(blocked, '^[^ ]*') == field then
                redis.call('HDEL', ledger, 'blocked')
                blocked = nil
            end
            if not blocked then redis.call('EXPIRE', ledger, ARGV[4]) end
        end
        return 1
        """)

    /// Marks a saga as blocked at a step: KEYS ledger, ARGV `<step> <eventID>`.
    static let block = RedisScript(
        """
        redis.call('HSET', KEYS[1], 'blocked', ARGV[1])
        redis.call('PERSIST', KEYS[1])
        return 1
        """)
}
