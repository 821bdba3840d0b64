/// Writes the script of a shape.
///
///     local function transition(k, a)           keys and values of one follow k and a
///         ledger as expected?                   or {'state', text}, {'ledger', error}
///         each check                            or {'check', number}
///         each write                            after the first, it has begun
///         each event: XADD, PUBLISH
///         ledger, its time to live
///     end
///     rights to all that will be written        or an error, NOPERM
///     types of what all of them share           or {'type', number} for each
///     for each of them: transition(…)           or {'error', has begun, text}
///
/// Names stand in the text, quoted so that they can be nothing else; keys and values never do.
struct TransitionCompiler {
    private let names: ServiceKeys
    private let ledgerSeconds: Int
    private var pieces: ArraySlice<TransitionShape.Piece> = []
    /// Keys that do not depend on the saga.
    private(set) var sharedKeys: [String] = []
    private var sharedTypes: [String] = []
    private var hasWrite = false
    /// Commands that write, with arguments of the first transition.
    private var writes: [(name: String, words: String)] = []
    private var writtenKeys: Set<String> = []
    private var lines: [String] = []
    /// What comes after everything else.
    private var lastLines: [String] = []
    private var keyCount = 0
    private var valueCount = 0
    private var checkCount = 0

    init(_ names: ServiceKeys, ledgerSeconds: Int) {
        self.names = names
        self.ledgerSeconds = ledgerSeconds
    }

    mutating func read(_ pieces: [TransitionShape.Piece]) {
        self.pieces = pieces[...]
        while case .operation(let operation)? = self.pieces.popFirst() { add(operation) }
        if sharedKeys.isEmpty, keyCount == 0 { _ = shared(names.timers, "zset") }
    }

    var text: String {
        let body = (lines + lastLines).joined(separator: "\n    ")
        // What has no ledger and so perhaps no key of its own goes alone.
        let count = keyCount == 0 ? "1" : "(#keys - \(sharedKeys.count)) / \(keyCount)"
        return """
            local call, try, keys, argv, match = redis.call, redis.pcall, KEYS, ARGV, string.match
            local now, saga, began, silent
            local function transition(k, a)
                local known
                \(body)
                return silent and {'silent', silent} or 1
            end
            local answers, odd = {}, nil
            \(rightsCheck)
            \(typeChecks)
            for number = 0, \(count) - 1 do
                local ended, answer
                began, silent = false, nil
                if odd then
                    answer = {'type', odd}
                else
                    ended, answer = pcall(transition, \(sharedKeys.count) + number * \(keyCount), \
            number * \(valueCount))
                    if not ended then
                        local text = type(answer) == 'table' and answer.err or tostring(answer)
                        if number == 0 and not began and not match(text, '^ERR')
                            and not match(text, '^WRONGTYPE') then error(answer) end
                        answer = {'error', began and 1 or 0, text}
                    end
                end
                answers[number + 1] = answer
            end
            return answers
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
        case .mark, .markWithNote: mark(hasNote: operation == .markWithNote)
        case .form:
            lastLines[0] = "call('HSET', ledger, field, next, 'form', \(word()))"
        case .saga: lines.append("saga = \(word())")
        case .absent: check { "call('EXISTS', \($0.key())) == 1" }
        case .exists: check { "call('EXISTS', \($0.key())) == 0" }
        case .equals: check { "call('HGET', \($0.key()), \($0.word())) ~= \($0.word())" }
        case .least:
            let field = "\(key()), \(word())"
            lines.append("known = tonumber(call('HGET', \(field)) or '0')")
            check { "not known or known < tonumber(\($0.word()))" }
        case .type:
            lines.append("known = call('TYPE', \(key())).ok")
            check { "known ~= 'none' and known ~= \($0.word())" }
        case .number:
            lines.append("known = call('HGET', \(key()), \(word()))")
            check {
                "known and (known ~= '0' and not match(known, '^-?[1-9]%d*$')"
                    + " or math.abs(known + \($0.word())) > 9.2e18)"
            }
        case .command:
            let (command, key) = (name(), key())
            let words = words()
            needs(command, key, words)
            write("call(\(([Self.quoted(command), key] + words).joined(separator: ", ")))")
        case .setTimer: setTimer()
        case .cancelTimer:
            let key = shared(names.timers, "zset")
            needs("ZREM", key, ["''"])
            write("call('ZREM', \(key), \(word()))")
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
    private mutating func write(_ line: String) {
        lines.append(line)
        if !hasWrite { lines.append("began = true") }
        hasWrite = true
    }

    private mutating func check(_ fault: (inout TransitionCompiler) -> String) {
        checkCount += 1
        lines.append("if \(fault(&self)) then return {'check', \(checkCount)} end")
    }

    private mutating func mark(hasNote: Bool) {
        keyCount = max(keyCount, 1)
        let (field, expected, state) = (word(), word(), word())
        let next = "\(state) .. ' ' .. \(word())" + (hasNote ? " .. ' ' .. \(word())" : "")
        let isFirst = expected == "''"
        let isOther = isFirst ? "text ~= ''" : "match(text, '^[^ ]*') ~= \(expected)"
        lines += [
            "local ledger, field, next = keys[k + 1], \(field), \(next)",
            "known = try('HMGET', ledger, field, 'blocked')",
            "if known.err then return {'ledger', known.err} end",
            "local text, blocked = known[1] or '', known[2]",
            "if \(isOther) then return {'state', text} end",
        ]
        needs("HSET", "keys[k + 1]", ["''", "''"])
        needs("HDEL", "keys[k + 1]", ["''"])
        needs("EXPIRE", "keys[k + 1]", ["1"])
        lastLines = [
            "call('HSET', ledger, field, next)",
            "if blocked then",
            "    if text ~= '' and match(blocked, '^[^ ]*') == field then",
            "        call('HDEL', ledger, 'blocked')",
            "        text, blocked = '', nil",
            "    end",
            "end",
        ]
        let condition =
            isFirst
            ? "" : " and (text == '' or match(text, ' (.......)') ~= match(next, ' (.......)'))"
        lastLines += [
            "if not blocked\(condition) then",
            "    call('EXPIRE', ledger, \(ledgerSeconds))",
            "end",
        ]
    }

    private mutating func setTimer() {
        lines += [
            "if not now then",
            "    local time = call('TIME')",
            "    now = time[1] * 1000 + math.floor(time[2] / 1000)",
            "end",
        ]
        let key = shared(names.timers, "zset")
        needs("TIME", nil, [])
        needs("ZADD", key, ["1", "''"])
        write("call('ZADD', \(key), now + \(word()), \(word()))")
    }

    private mutating func event() {
        let type = name()
        let outlet = names.outlet(type)
        let (id, event) = (word(), word())
        let fields = "'data', \(event), 'type', \(Self.quoted(type)), 'id', \(id)"
        let stream = shared(outlet.stream, "stream")
        needs("XADD", stream, ["'*'", "''", "''"])
        write("call('XADD', \(stream), '*', \(fields), 'correlationid', saga)")
        // A doorbell may be lost, and a transition may not.
        lines += [
            "known = try('PUBLISH', \(Self.quoted(outlet.channel)), \(event))",
            "if type(known) == 'table' then silent = known.err end",
        ]
    }
}
