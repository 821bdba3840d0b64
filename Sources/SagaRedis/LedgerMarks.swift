import Saga
import TroupeRedis

/// What a ledger has to say of steps that may have acted, as arguments of a script and as the part
/// of it that writes them.
///
///     form of keys, number of steps, then of each: step, expected state, text
enum LedgerMarks {
    static func arguments(_ trace: DeadLetter.Trace?) -> [RedisArgument] {
        let unknown = trace?.unknown ?? []
        var arguments: [RedisArgument] = [
            .string(trace?.form.rawValue ?? ""), .integer(unknown.count),
        ]
        for mark in unknown {
            arguments += [.string(mark.step), .string(mark.expected), .string(mark.entry.text)]
        }
        return arguments
    }

    /// Two functions, of the position where the arguments begin: where those behind them begin;
    /// and one that writes the marks and returns what stood there before.
    static let script = """
        local function ledgerMarksEnd(at)
            return at + 2 + 3 * tonumber(ARGV[at + 1])
        end
        local function writeLedgerMarks(ledger, first)
            local found, form = {}, ARGV[first]
            for at = first + 2, ledgerMarksEnd(first) - 1, 3 do
                local text = redis.call('HGET', ledger, ARGV[at]) or ''
                if string.match(text, '^[^ ]*') == ARGV[at + 1] then
                    redis.call('HSET', ledger, ARGV[at], ARGV[at + 2])
                    if text == '' and form ~= '' then
                        redis.call('HSET', ledger, 'form', form)
                    end
                end
                found[#found + 1] = text
            end
            return found
        end
        """
}
