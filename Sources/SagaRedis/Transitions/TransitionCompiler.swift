/// Writes the script of a shape.
///
///     local function transition(k, a)           keys and values of one follow k and a
///         ledger as expected?                   or {'state', text}
///         each check                            or {'check', number}
///         each write
///         each event: XADD, PUBLISH
///         ledger, its time to live
///     end
///     for each of them: transition(…)
///
/// Names stand in the text, quoted so that they can be nothing else; keys and values never do.
struct TransitionCompiler {
    private let names: ServiceKeys
    private let ledgerSeconds: Int
    private var pieces: ArraySlice<TransitionShape.Piece> = []
    /// Keys that do not depend on the saga.
    private(set) var sharedKeys: [String] = []
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
        if sharedKeys.isEmpty, keyCount == 0 { _ = shared(names.timers) }
    }

    var text: String {
        let body = (lines + lastLines).joined(separator: "\n    ")
        // What has no ledger and so perhaps no key of its own goes alone.
        let count = keyCount == 0 ? "1" : "(#keys - \(sharedKeys.count)) / \(keyCount)"
        return """
            local call, keys, argv, match = redis.call, KEYS, ARGV, string.match
            local now, saga
            local function transition(k, a)
                local known
                \(body)
                return 1
            end
            local answers = {}
            for number = 0, \(count) - 1 do
                answers[number + 1] =
                    transition(\(sharedKeys.count) + number * \(keyCount), number * \(valueCount))
            end
            return answers
            """
    }

    // MARK: - Pieces

    private mutating func key() -> String {
        guard case .key(let number)? = pieces.popFirst() else { return "nil" }
        keyCount = max(keyCount, number)
        return "keys[k + \(number)]"
    }

    private mutating func shared(_ key: String) -> String {
        if let index = sharedKeys.firstIndex(of: key) { return "keys[\(index + 1)]" }
        sharedKeys.append(key)
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
            check { _ in "known and not match(known, '^-?%d+$')" }
        case .command:
            let command = Self.quoted(name())
            let arguments = [command, key()] + words()
            lines.append("call(\(arguments.joined(separator: ", ")))")
        case .setTimer: setTimer()
        case .cancelTimer: lines.append("call('ZREM', \(shared(names.timers)), \(word()))")
        case .event: event()
        }
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
            "known = call('HMGET', ledger, field, 'blocked')",
            "local text, blocked = known[1] or '', known[2]",
            "if \(isOther) then return {'state', text} end",
        ]
        lastLines = [
            "call('HSET', ledger, field, next)",
            "if blocked then",
            "    if text == '' or match(blocked, '^[^ ]*') ~= field then return 1 end",
            "    call('HDEL', ledger, 'blocked')",
            "    text = ''",
            "end",
        ]
        let setsTime = "call('EXPIRE', ledger, \(ledgerSeconds))"
        lastLines +=
            isFirst
            ? [setsTime]
            : [
                "if text == '' or match(text, ' (.......)') ~= match(next, ' (.......)') then",
                "    " + setsTime,
                "end",
            ]
    }

    private mutating func setTimer() {
        lines += [
            "if not now then",
            "    local time = call('TIME')",
            "    now = time[1] * 1000 + math.floor(time[2] / 1000)",
            "end",
            "call('ZADD', \(shared(names.timers)), now + \(word()), \(word()))",
        ]
    }

    private mutating func event() {
        let type = name()
        let outlet = names.outlet(type)
        let (id, event) = (word(), word())
        let fields = "'data', \(event), 'type', \(Self.quoted(type)), 'id', \(id)"
        lines += [
            "call('XADD', \(shared(outlet.stream)), '*', \(fields), 'correlationid', saga)",
            "call('PUBLISH', \(Self.quoted(outlet.channel)), \(event))",
        ]
    }
}
