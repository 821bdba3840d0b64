/// What a transition does, whosever it is: all of it but the keys, the values and the events.
///
///     PaymentProcessed of order 42                 its shape
///     ledger: charge, "" → done  ‹event ID›        mark, names charge, "", done; value
///     HSET ‹payment:42› status charged …           command HSET, key 2; name status, value; …
///     XADD, PUBLISH ‹event›                        event, name PaymentProcessed; values
///
/// Transitions of one shape are applied by one script, whose text says what the shape says; so
/// the same few words need not travel, and be read, with each of them. Shapes come from what
/// participants declare and from the code of their handlers, and are therefore few.
struct TransitionShape: Sendable {
    enum Operation: UInt8 {
        // The ledger.
        case mark, markWithNote, form, end, last
        /// The mark that follows expects all of what its field holds, not only its state.
        case exact
        /// The saga's ID, which all its events carry.
        case saga
        // Checks.
        case absent, exists, equals, least, type, number
        // Writes.
        case command, setTimer, cancelTimer, event
    }

    enum Piece {
        case operation(Operation)
        /// The number of a key among those of the transition, from 1.
        case key(Int)
        /// A word that is part of the shape.
        case name(String)
        /// The next value.
        case value
    }

    private static let keyMark: UInt8 = 0xFD
    private static let nameMark: UInt8 = 0xFE
    private static let valueMark: UInt8 = 0xFF
    /// Longer words are better sent as values: what is that long hardly stood in a program.
    static let nameMaximum = 64

    /// The pieces, one after another.
    private var code: [UInt8] = []

    init() {
        code.reserveCapacity(192)
    }

    mutating func append(_ operation: Operation) {
        code.append(operation.rawValue)
    }

    mutating func append(key: Int) {
        code.append(Self.keyMark)
        append(number: key)
    }

    mutating func append(name: String) {
        var name = name
        name.withUTF8 { bytes in
            code.append(Self.nameMark)
            append(number: bytes.count)
            code += bytes
        }
    }

    /// Seven bits a byte, the lowest first; all but the last byte have the highest bit set.
    private mutating func append(number: Int) {
        var rest = number
        while rest > 0x7F {
            code.append(UInt8(truncatingIfNeeded: rest & 0x7F) | 0x80)
            rest >>= 7
        }
        code.append(UInt8(truncatingIfNeeded: rest))
    }

    mutating func appendValue() {
        code.append(Self.valueMark)
    }

    /// What was added, in its order.
    var pieces: [Piece] {
        var pieces: [Piece] = []
        var rest = code[...]
        while let mark = rest.popFirst() {
            switch mark {
            case Self.keyMark:
                pieces.append(.key(Self.number(&rest)))
            case Self.nameMark:
                let count = Self.number(&rest)
                let name = rest.prefix(count)
                rest = rest.dropFirst(count)
                pieces.append(.name(String(decoding: name, as: UTF8.self)))
            case Self.valueMark:
                pieces.append(.value)
            default:
                if let operation = Operation(rawValue: mark) {
                    pieces.append(.operation(operation))
                }
            }
        }
        return pieces
    }

    private static func number(_ bytes: inout ArraySlice<UInt8>) -> Int {
        var (number, shift) = (0, 0)
        while let byte = bytes.popFirst() {
            number |= Int(byte & 0x7F) << shift
            shift += 7
            if byte & 0x80 == 0 { break }
        }
        return number
    }
}

extension TransitionShape: Hashable {
    func hash(into hasher: inout Hasher) {
        code.withUnsafeBytes { hasher.combine(bytes: $0) }
    }
}
