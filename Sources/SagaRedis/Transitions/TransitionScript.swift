import Redis

/// The one atomic step: compare and set one ledger field, with all that goes with it.
///
///     KEYS  of each transition in turn: its ledger, or any key if it has no ledger field, and
///           whatever its checks and writes name by their position among them
///     ARGV  of each transition in turn:
///           1    ledger field; empty for a transaction outside a saga
///           2    state expected there, empty for none
///           3    text to set there
///           4    seconds that the ledger lives on
///           5    number of its keys
///           6    number of arguments of its writes
///           7    number of arguments of its checks
///           8…   writes: command, key, number of arguments, arguments
///           …    checks: kind, key, operand, operand
///
///     for each transition
///     1                   applied
///     {'state', text}     the ledger holds something else: its text
///     {'check', number}   the check of that number does not hold
///
/// A script has no rollback. So all checks of a transition come before its first write, and that
/// first write, which is to a record, may fail by itself: on another type of record, on a server
/// without memory to spare. Every further record is checked for its type beforehand. An error
/// ends the script, with what came before applied: `TransitionQueue` then runs each alone.
///
/// A ledger's time to live is set when it comes to be and when its field's last event is older
/// than a quarter of an hour, which the first digits of their IDs tell: three of the seven that
/// an order would need are saved so. A blocked saga's ledger does not expire; the transition
/// that gets its step going unblocks it.
enum TransitionScript {
    /// How much longer a ledger has to live because its time is not set anew each time.
    static let refreshSeconds = 3600

    static let script = RedisScript(
        """
        local call, keys, argv = redis.call, KEYS, ARGV
        local match = string.match
        local now

        local function holds(kind, key, one, other)
            if kind == 'type' then
                local found = call('TYPE', key).ok
                return found == 'none' or found == one
            elseif kind == 'absent' then
                return call('EXISTS', key) == 0
            elseif kind == 'exists' then
                return call('EXISTS', key) == 1
            elseif kind == 'equals' then
                return call('HGET', key, one) == other
            elseif kind == 'least' then
                local value = tonumber(call('HGET', key, one) or '0')
                return value and value >= tonumber(other)
            elseif kind == 'number' then
                local value = call('HGET', key, one)
                return not value or match(value, '^-?%d+$')
            end
        end

        local function transition(at, base)
            local field, ledger = argv[at], keys[base + 1]
            local text, state, blocked
            if field ~= '' then
                local known = call('HMGET', ledger, field, 'blocked')
                text, blocked = known[1] or '', known[2]
                state = match(text, '^[^ ]*')
                if state ~= argv[at + 1] then return {'state', text} end
            end
            local checks = at + 7 + argv[at + 5]
            local number = 0
            for check = checks, checks + argv[at + 6] - 1, 4 do
                number = number + 1
                if not holds(argv[check], keys[base + argv[check + 1]], argv[check + 2],
                    argv[check + 3])
                then
                    return {'check', number}
                end
            end
            local write = at + 7
            while write < checks do
                local command, key = argv[write], keys[base + argv[write + 1]]
                local first = write + 3
                write = first + argv[write + 2]
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
                    call(command, key, unpack(argv, first, write - 1))
                end
            end
            if field == '' then return 1 end
            local next = argv[at + 2]
            call('HSET', ledger, field, next)
            if blocked and match(blocked, '^[^ ]*') == field then
                call('HDEL', ledger, 'blocked')
                blocked, text = nil, ''
            end
            if blocked then return 1 end
            if text == '' or match(text, ' (.......)') ~= match(next, ' (.......)') then
                call('EXPIRE', ledger, argv[at + 3])
            end
            return 1
        end

        local answers, at, base, last = {}, 1, 0, #argv
        while at <= last do
            answers[#answers + 1] = transition(at, base)
            base = base + argv[at + 4]
            at = at + 7 + argv[at + 5] + argv[at + 6]
        end
        return answers
        """)

    /// Marks a saga as blocked at a step: KEYS ledger, ARGV `<step> <eventID>`.
    static let block = RedisScript(
        """
        redis.call('HSET', KEYS[1], 'blocked', ARGV[1])
        redis.call('PERSIST', KEYS[1])
        return 1
        """)
}
