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
        local call, keys, argv = redis.call, KEYS, ARGV
        local field, ledger = argv[1], keys[1]
        local blocked
        if field ~= '' then
            local known = call('HMGET', ledger, field, 'blocked')
            local text = known[1] or ''
            local state = text
            if text ~= '' then state = string.match(text, '^[^ ]*') end
            if state ~= argv[2] then return {'state', text} end
            blocked = known[2]
        end
        local at, last = argv[5] + 0, #argv
        local number = 0
        while at < last do
            number = number + 1
            local kind, key = argv[at], keys[argv[at + 1] + 0]
            local one, other = argv[at + 2], argv[at + 3]
            local holds
            if kind == 'type' then
                local found = call('TYPE', key).ok
                holds = found == 'none' or found == one
            elseif kind == 'absent' then
                holds = call('EXISTS', key) == 0
            elseif kind == 'exists' then
                holds = call('EXISTS', key) == 1
            elseif kind == 'equals' then
                holds = call('HGET', key, one) == other
            elseif kind == 'least' then
                local value = tonumber(call('HGET', key, one) or '0')
                holds = value and value >= tonumber(other)
            elseif kind == 'number' then
                local value = call('HGET', key, one)
                holds = not value or string.match(value, '^-?%d+$')
            end
            if not holds then return {'check', number} end
            at = at + 4
        end
        local now
        at, last = 6, argv[5] + 0
        while at < last do
            local command, key = argv[at], keys[argv[at + 1] + 0]
            local first = at + 3
            at = first + argv[at + 2]
            if command == 'event' then
                local event = argv[first]
                call('XADD', key, '*', 'data', event, 'type', argv[first + 1],
                    'id', argv[first + 2], 'correlationid', argv[first + 3])
                call('PUBLISH', argv[first + 4], event)
            elseif command == 'timer' then
                if not now then
                    local time = call('TIME')
                    now = time[1] * 1000 + math.floor(time[2] / 1000)
                end
                call('ZADD', key, now + argv[first + 1], argv[first])
            else
                call(command, key, unpack(argv, first, at - 1))
            end
        end
        if field ~= '' then
            call('HSET', ledger, field, argv[3])
            if blocked and string.match(blocked, '^[^ ]*') == field then
                call('HDEL', ledger, 'blocked')
                blocked = nil
            end
            if not blocked then call('EXPIRE', ledger, argv[4]) end
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
