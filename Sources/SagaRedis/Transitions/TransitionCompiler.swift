import Saga

/// Writes the script of a shape.
///
///     local function transition(k, a)           keys and values of one follow k and a
///         ledger as expected?                   or {'state', text}, {'ledger', error}
///         each check                            or {'check', number}
///         each event: XADD                      taken back if anything fails
///         the first write                       after it, it has begun
///         ledger, its time to live
///         timers, then each further write
///         each event: PUBLISH
///     end
///     local function failed(…)                  events taken back; once begun, ledger unknown
///     rights to all that will be written        or an error, NOPERM
///     types of what all of them share           or {'type', number} for each
///     for each of them: transition(…)           or {'error', has begun, text}
///
/// Names stand in the text, quoted so that they can be nothing else; keys and values never do.
struct TransitionCompiler {
    private let names: ServiceKeys
    private let ledgers: LedgerLife
    private var pieces: ArraySlice<TransitionShape.Piece> = []
    /// Keys that do not depend on the saga.
    private(set) var sharedKeys: [String] = []
    private var sharedTypes: [String] = []
    private var hasWrite = false
    /// Whether the mark compares all that its field holds.
    private var isExact = false
    /// Commands that write, with arguments of the first transition.
    private var writes: [(name: String, words: String)] = []
    private var writtenKeys: Set<String> = []
    // In the order in which they run.
    private var checkLines: [String] = []
    private var eventLines: [String] = []
    private var firstLines: [String] = []
    private var ledgerLines: [String] = []
    private var lifeLines: [String] = []
    private var timerLines: [String] = []
    private var furtherLines: [String] = []
    private var doorbellLines: [String] = []
    /// What a ledger notes besides: the form of keys, and all of it.
    private var form = ""
    private var notes = ""
    /// The stream of each event.
    private var outlets: [String] = []
    private var keyCount = 0
    private var valueCount = 0
    private var checkCount = 0

    init(_ names: ServiceKeys, ledgers: LedgerLife) {
        self.names = names
        self.ledgers = ledgers
    }

    mutating func read(_ pieces: [TransitionShape.Piece]) {
        self.pieces = pieces[...]
        while case .operation(let operation)? = self.pieces.popFirst() { add(operation) }
        if sharedKeys.isEmpty, keyCount == 0 { _ = shared(names.timers, "zset") }
    }

    var text: String {
        let ledgerLine = ledgerLines.isEmpty ? [] : ["call('HSET', ledger, field, next\(notes))"]
        let body = [
            checkLines, eventLines, firstLines, ledgerLine, ledgerLines, lifeLines, timerLines,
            furtherLines, doorbellLines,
        ].joined().joined(separator: "\n    ")
        // What has no ledger and so perhaps no key of its own goes alone.
        let count = keyCount == 0 ? "1" : "(#keys - \(sharedKeys.count)) / \(keyCount)"
        let sent = outlets.indices.map { "sent\($0 + 1)" }
        return """
            local call, try, keys, argv, match = redis.call, redis.pcall, KEYS, ARGV, string.match
            local now, saga, began, silent, ledger, field, before, next
            local \((["sent"] + sent).joined(separator: ", "))
            local function transition(k, a)
                local known
                \(body)
                return silent and {'silent', silent} or 1
            end
            \(failure)
            local answers, odd = {}, nil
            \(rightsCheck)
            \(typeChecks)
            for number = 0, \(count) - 1 do
                local ended, answer
                began, silent, ledger\(sent.map { ", " + $0 }.joined()) = false
                if odd then
                    answer = {'type', odd}
                else
                    ended, answer = pcall(transition, \(sharedKeys.count) + number * \(keyCount), \
            number * \(valueCount))
                    if not ended then answer = failed(number, answer) end
                end
                answers[number + 1] = answer
            end
            return answers
            """
    }

    /// What is left of a transition that failed.
    ///
    /// Nobody has seen its events yet, so they never were. A ledger that may have been written
    /// says in the same moment that nobody knows, so that nothing runs it again.
    /// Who may not take events back (XDEL) has one that stands, as if more had been written.
    private var failure: String {
        let taken = outlets.enumerated().map { index, stream in
            """

                sent = sent\(index + 1) and try('XDEL', \(stream), sent\(index + 1))
                if type(sent) == 'table' then began = true end
            """
        }.joined()
        return """
            local function failed(number, answer)
                local text = type(answer) == 'table' and answer.err or tostring(answer)\(taken)
                if number == 0 and not began and not match(text, '^ERR')
                    and not match(text, '^WRONGTYPE') then error(answer) end
                if began and ledger then
                    local id = match(next, '^[^ ]* ([^ ]*)')
                    if before ~= '' then before = ' ' .. before end
                    try('HSET', ledger, field, '\(LedgerEntry.unknown) ' .. id
                        .. ' \(LedgerEntry.halfApplied)' .. before,
                        'blocked', field .. ' ' .. id\(form))
                    try('PERSIST', ledger)
                end
                return {'error', began and 1 or 0, text}
            end
            """
    }

    /// Asks for the rights to all that will be written.
    ///
    /// A user may have the right to one command and not to the next, and be given or lose it at
    /// any moment; nobody but the script itself can ask in time. Those that run together write
    /// the same kinds of keys, so that the first speaks for all.
    private var rightsCheck: String {
        if writes.isEmpty { return "" }
        return """
            local k, a, may, missing = \(sharedKeys.count), 0, redis.acl_check_cmd, nil
            \(writes.map { "if not may(\($0.words)) then missing = \($0.name) end" }
                .joined(separator: "\n"))
            if missing then
                return redis.error_reply('NOPERM this user may not run ' .. missing
                    .. ' on a key that the transition writes')
            end
            """
    }

    /// Once for all that run together.
    private var typeChecks: String {
        sharedTypes.enumerated().map { index, type in
            """
            odd = call('TYPE', keys[\(index + 1)]).ok
            if odd == 'none' or odd == '\(type)' then odd = nil else odd = \(index + 1) end
            """
        }.joined(separator: "\nif not odd then\n")
            + String(repeating: "\nend", count: max(0, sharedTypes.count - 1))
    }

    // MARK: - Pieces

    private mutating func key() -> String {
        guard case .key(let number)? = pieces.popFirst() else { return "nil" }
        keyCount = max(keyCount, number)
        return "keys[k + \(number)]"
    }

    private mutating func shared(_ key: String, _ type: String) -> String {
        if let index = sharedKeys.firstIndex(of: key) { return "keys[\(index + 1)]" }
        sharedKeys.append(key)
        sharedTypes.append(type)
        return "keys[\(sharedKeys.count)]"
    }

    private mutating func name() -> String {
        guard case .name(let name)? = pieces.popFirst() else { return "" }
        return name
    }

    /// A name or a value, as an expression.
    private mutating func word() -> String {
        switch pieces.popFirst() {
        case .name(let name): return Self.quoted(name)
        case .value: return value()
        default: return "nil"
        }
    }

    private mutating func value() -> String {
        valueCount += 1
        return "argv[a + \(valueCount)]"
    }

    /// Names and values up to the next operation.
    private mutating func words() -> [String] {
        var words: [String] = []
        while let piece = pieces.first {
            if case .operation = piece { break }
            words.append(word())
        }
        return words
    }

    static func quoted(_ text: String) -> String {
        var quoted = "'"
        for byte in text.utf8 {
            switch byte {
            case 0x20...0x26, 0x28...0x5B, 0x5D...0x7E:
                quoted.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte)
                quoted += "\\" + String(repeating: "0", count: 3 - digits.count) + digits
            }
        }
        return quoted + "'"
    }

    // MARK: - Operations

    private mutating func add(_ operation: TransitionShape.Operation) {
        switch operation {
        case .exact: isExact = true
        case .mark, .markWithNote: mark(hasNote: operation == .markWithNote)
        case .form:
            form = ", 'form', \(word())"
            notes += form
        case .end: notes += ", '\(LedgerEnd.field)', \(word())"
        case .last: last()
        case .saga: eventLines.append("saga = \(word())")
        case .absent: check { "call('EXISTS', \($0.key())) == 1" }
        case .exists: check { "call('EXISTS', \($0.key())) == 0" }
        case .equals: check { "call('HGET', \($0.key()), \($0.word())) ~= \($0.word())" }
        case .least:
            let field = "\(key()), \(word())"
            checkLines.append("known = tonumber(call('HGET', \(field)) or '0')")
            check { "not known or known < tonumber(\($0.word()))" }
        case .type:
            checkLines.append("known = call('TYPE', \(key())).ok")
            check { "known ~= 'none' and known ~= \($0.word())" }
        case .number:
            checkLines.append("known = call('HGET', \(key()), \(word())) or '0'")
            check {
                "known ~= '0' and not match(known, '^-?[1-9]%d*$')"
                    + " or math.abs(known + \($0.word())) > 9.2e18"
            }
        case .command:
            let (command, key) = (name(), key())
            let words = words()
            needs(command, key, words)
            write(["call(\(([Self.quoted(command), key] + words).joined(separator: ", ")))"])
        case .setTimer: setTimer()
        case .cancelTimer:
            let key = shared(names.timers, "zset")
            needs("ZREM", key, ["''"])
            write(["call('ZREM', \(key), \(word()))"], isTimer: true)
        case .event: event()
        }
    }

    /// The user needs the right to this command on this key, if it has one.
    private mutating func needs(_ command: String, _ key: String?, _ rest: [String]) {
        guard writtenKeys.insert("\(command) \(key ?? "")").inserted else { return }
        let name = Self.quoted(command)
        let words = [name] + (key.map { [$0] } ?? []) + rest
        writes.append((name, words.joined(separator: ", ")))
    }

    /// The first write may fail by itself, and has then changed nothing.
    private mutating func write(_ lines: [String], isTimer: Bool = false) {
        if hasWrite {
            if isTimer { timerLines += lines } else { furtherLines += lines }
            return
        }
        hasWrite = true
        firstLines = lines + ["began = true"]
    }

    private mutating func check(_ fault: (inout TransitionCompiler) -> String) {
        checkCount += 1
        checkLines.append("if \(fault(&self)) then return {'check', \(checkCount)} end")
    }

    /// What is owed or blocked keeps the ledger.
    private mutating func last() {
        lifeLines = [
            "if not blocked then",
            "    call('EXPIRE', ledger, \(ledgers.seconds))",
            "end",
        ]
    }

    /// A ledger that something has yet to follow in stays, whatever was thought of it before; but
    /// one whose saga has ended, and in which nothing is blocked, may go.
    private mutating func notLast() {
        let staying = ["else", "    call('PERSIST', ledger)"]
        lifeLines =
            [
                "if not blocked and \(EndScript.hasEnded("ends")) then",
                "    call('EXPIRE', ledger, \(ledgers.seconds))",
            ] + (ledgers.mayGoOn ? staying : []) + ["end"]
    }

    private mutating func mark(hasNote: Bool) {
        keyCount = max(keyCount, 1)
        let (field, expected, state) = (word(), word(), word())
        let next = "\(state) .. ' ' .. \(word())" + (hasNote ? " .. ' ' .. \(word())" : "")
        let isFirst = expected == "''"
        let isOther =
            isFirst
            ? "text ~= ''"
            : isExact ? "text ~= \(expected)" : "match(text, '^[^ ]*') ~= \(expected)"
        checkLines += [
            "ledger, field, next = keys[k + 1], \(field), \(next)",
            "known = try('HMGET', ledger, field, 'blocked', 'end')",
            "if known.err then return {'ledger', known.err} end",
            "local text, blocked, ends = known[1] or '', known[2], known[3]",
            "if \(isOther) then return {'state', text} end",
            "before = text",
        ]
        needs("HSET", "keys[k + 1]", ["''", "''"])
        needs("HDEL", "keys[k + 1]", ["''"])
        needs("EXPIRE", "keys[k + 1]", ["1"])
        needs("PERSIST", "keys[k + 1]", [])
        ledgerLines = [
            "began = true",
            "if blocked then",
            "    if text ~= '' and match(blocked, '^[^ ]*') == field then",
            "        call('HDEL', ledger, 'blocked')",
            "        blocked = nil",
            "    end",
            "end",
        ]
        notLast()
    }

    private mutating func setTimer() {
        let key = shared(names.timers, "zset")
        needs("TIME", nil, [])
        needs("ZADD", key, ["1", "''"])
        write(
            [
                "if not now then",
                "    local time = call('TIME')",
                "    now = time[1] * 1000 + math.floor(time[2] / 1000)",
                "end",
                "call('ZADD', \(key), now + \(word()), \(word()))",
            ], isTimer: true)
    }

    private mutating func event() {
        let type = name()
        let outlet = names.outlet(type)
        let (id, event) = (word(), word())
        let fields = "'data', \(event), 'type', \(Self.quoted(type)), 'id', \(id)"
        let stream = shared(outlet.stream, "stream")
        needs("XADD", stream, ["'*'", "''", "''"])
        outlets.append(stream)
        eventLines.append(
            "sent\(outlets.count) = call('XADD', \(stream), '*', \(fields), 'correlationid', saga)")
        // A doorbell may be lost, and a transition may not.
        doorbellLines += [
            "known = try('PUBLISH', \(Self.quoted(outlet.channel)), \(event))",
            "if type(known) == 'table' then silent = known.err end",
        ]
    }
}
