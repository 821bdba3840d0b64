import CloudEvents
import Saga
import SagaTestKit
import Testing
import TroupeRedis

@testable import SagaRedis

/// What is written for a shape.
@Suite(.timeLimit(.minutes(1)))
struct TransitionCompilerTests {
    private let names = ServiceKeys(
        SagaKeys(namespace: "eu"), service: "payment", naming: SagaNaming([]))

    private static let stepsScript = """
        local call, try, keys, argv, match = redis.call, redis.pcall, KEYS, ARGV, \
        string.match
        local now, saga, began, silent, ledger, field, before, next
        local sent, sent1
        local function transition(k, a)
            local known
            ledger, field, next = keys[k + 1], 'charge', 'done' .. ' ' .. argv[a + 1]
            known = try('HMGET', ledger, field, 'blocked', 'end')
            if known.err then return {'ledger', known.err} end
            local text, blocked, ends = known[1] or '', known[2], known[3]
            if text ~= '' then return {'state', text} end
            before = text
            known = tonumber(call('HGET', keys[k + 2], 'left') or '0')
            if not known or known < tonumber(argv[a + 2]) then return {'check', 1} end
            saga = argv[a + 5]
            sent1 = call('XADD', keys[1], '*', 'data', argv[a + 7], 'type', 'PaymentProcessed', \
        'id', argv[a + 6], 'correlationid', saga)
            call('HSET', keys[k + 3], 'amount', argv[a + 3], 'status', argv[a + 4])
            began = true
            call('HSET', ledger, field, next)
            began = true
            if blocked then
                if text ~= '' and match(blocked, '^[^ ]*') == field then
                    call('HDEL', ledger, 'blocked')
                    blocked = nil
                end
            end
            if not blocked then
                call('EXPIRE', ledger, 100)
            end
            known = try('PUBLISH', 'eu:saga.PaymentProcessed', argv[a + 7])
            if type(known) == 'table' then silent = known.err end
            return silent and {'silent', silent} or 1
        end
        local function failed(number, answer)
            local text = type(answer) == 'table' and answer.err or tostring(answer)
            sent = sent1 and try('XDEL', keys[1], sent1)
            if type(sent) == 'table' then began = true end
            if number == 0 and not began and not match(text, '^ERR')
                and not match(text, '^WRONGTYPE') then error(answer) end
            if began and ledger then
                local id = match(next, '^[^ ]* ([^ ]*)')
                if before ~= '' then before = ' ' .. before end
                try('HSET', ledger, field, 'unknown ' .. id
                    .. ' half_applied' .. before,
                    'blocked', field .. ' ' .. id)
                try('PERSIST', ledger)
            end
            return {'error', began and 1 or 0, text}
        end
        local answers, odd = {}, nil
        local k, a, may, missing = 1, 0, redis.acl_check_cmd, nil
        if not may('HSET', keys[k + 1], '', '') then missing = 'HSET' end
        if not may('HDEL', keys[k + 1], '') then missing = 'HDEL' end
        if not may('EXPIRE', keys[k + 1], 1) then missing = 'EXPIRE' end
        if not may('PERSIST', keys[k + 1]) then missing = 'PERSIST' end
        if not may('HSET', keys[k + 3], 'amount', argv[a + 3], 'status', argv[a + 4]) then \
        missing = 'HSET' end
        if not may('XADD', keys[1], '*', '', '') then missing = 'XADD' end
        if missing then
            return redis.error_reply('NOPERM this user may not run ' .. missing
                .. ' on a key that the transition writes')
        end
        odd = call('TYPE', keys[1]).ok
        if odd == 'none' or odd == 'stream' then odd = nil else odd = 1 end
        for number = 0, (#keys - 1) / 3 - 1 do
            local ended, answer
            began, silent, ledger, sent1 = false
            if odd then
                answer = {'type', odd}
            else
                ended, answer = pcall(transition, 1 + number * 3, number * 7)
                if not ended then answer = failed(number, answer) end
            end
            answers[number + 1] = answer
        end
        return answers
        """

    @Test func aStepsScriptSaysWhatItDoes() {
        let changes = Changes {
            $0.require("stock:7", "left", atLeast: 2, orElse: BusinessFailure("sold_out"))
            $0.set("payment:42", ["status": "charged", "amount": "1990"])
        }
        let script = compiled(content(changes, events: [CloudEvent(type: "PaymentProcessed")]))

        #expect(script.sharedKeys.count == 1)
        #expect(script.script.source == Self.stepsScript)
    }

    @Test func keysValuesAndIDsAreNoPartOfAShape() {
        let one = content(Changes { $0.set("payment:42", ["status": "a", "amount": "1"]) })
        let other = content(
            Changes { $0.set("payment:\("x' y")", ["amount": "'); evil()", "status": ""]) })
        let third = content(Changes { $0.set("payment:42", ["state": "a", "amount": "1"]) })

        #expect(one.shape == other.shape)
        #expect(one.shape.hashValue == other.shape.hashValue)
        #expect(one.shape != third.shape)
    }

    @Test(arguments: ["'", "\\", "\n", "]]", "é", "\u{0}", "a\u{7F}", "--"])
    func namesInTheTextCanBeNothingElse(name: String) {
        let quoted = TransitionCompiler.quoted(name)
        let inside = quoted.dropFirst().dropLast()

        #expect(quoted.first == "'" && quoted.last == "'")
        #expect(!inside.contains("'") && inside.utf8.allSatisfy { (0x20..<0x7F).contains($0) })
        #expect(inside.contains("\\") == (name != "]]" && name != "--"))
    }

    private func content(_ changes: Changes, events: [CloudEvent] = []) -> TransitionContent {
        let mark = StoreTransition.Mark(
            sagaID: "42", field: "charge", expected: "",
            next: LedgerEntry(state: "done", eventID: "e"))
        return TransitionContent(
            StoreTransition(mark, changes: changes, events: events), names: names,
            isGeneral: false)
    }

    private func compiled(_ content: TransitionContent) -> TransitionScript {
        TransitionScript(content.shape, names: names, ledgers: LedgerLife(.seconds(100)))
    }
}

extension CloudEvent {
    fileprivate init(type: String) {
        self.init(source: "/payment", type: type, subject: "42", data: Array("{}".utf8))
    }
}
