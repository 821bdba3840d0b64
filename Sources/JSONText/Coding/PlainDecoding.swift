/// Decodes plain values straight from their text, without a tree in between.
///
/// An object's members are found once, when its container is asked for, and looked up in the
/// order in which they stand, which is the order in which most are asked for. The text has
/// been checked to be JSON before; still, every access stays in bounds.
/// Whatever is not plain, wrong or missing gives up.
enum PlainDecoding {
    static func decode<Value: Decodable>(_ type: Value.Type, from text: [UInt8]) -> Value? {
        try? Value(from: PlainDecoder(text: PlainText(text), start: 0))
    }
}

/// The text, and steps over it.
private final class PlainText {
    let bytes: [UInt8]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    func skipSpace(_ position: Int) -> Int {
        var at = position
        while at < bytes.count, bytes[at] <= 0x20 { at += 1 }
        return at
    }

    func byte(_ position: Int) throws -> UInt8 {
        guard position < bytes.count else { throw NotPlain() }
        return bytes[position]
    }

    /// From a string's opening quote to behind its closing one.
    func endOfString(_ position: Int) throws -> Int {
        let end = bytes.withUnsafeBufferPointer { bytes -> Int? in
            var at = position + 1
            while true {
                at += bytes.plainLength(from: at)
                guard at < bytes.count else { return nil }
                if bytes[at] == 0x22 { return at + 1 }
                at += bytes[at] == 0x5C ? 2 : 1
            }
        }
        guard let end else { throw NotPlain() }
        return end
    }

    /// From a value's first byte to behind its last.
    func endOfValue(_ position: Int) throws -> Int {
        var depth = 0
        var at = position
        repeat {
            switch try byte(at) {
            case 0x22:
                at = try endOfString(at)
            case 0x7B, 0x5B:
                depth += 1
                at += 1
            case 0x7D, 0x5D:
                depth -= 1
                at += 1
            case 0x2C, 0x3A, ...0x20:
                at += 1
            default:
                at = endOfScalar(at)
            }
        } while depth > 0
        return at
    }

    func endOfScalar(_ position: Int) -> Int {
        var at = position
        while at < bytes.count {
            switch bytes[at] {
            case 0x2C, 0x3A, 0x5D, 0x7D, ...0x20: return at
            default: at += 1
            }
        }
        return at
    }

    func string(_ start: Int) throws -> String {
        guard try byte(start) == 0x22 else { throw NotPlain() }
        let end = try endOfString(start)
        let string = bytes.withUnsafeBufferPointer { bytes -> String? in
            let content = UnsafeBufferPointer(rebasing: bytes[start + 1..<end - 1])
            return content.contains(0x5C) ? nil : String(wellFormed: content)
        }
        guard let string else { throw NotPlain() }
        return string
    }

    func integer<Number: FixedWidthInteger>(_ start: Int) throws -> Number {
        var at = start
        let isNegative = try byte(at) == 0x2D
        if isNegative { at += 1 }
        let end = endOfScalar(at)
        guard at < end else { throw NotPlain() }
        var number: Number = 0
        while at < end {
            guard (0x30...0x39).contains(bytes[at]) else { throw NotPlain() }
            let digit = Number(truncatingIfNeeded: bytes[at] - 0x30)
            let (product, overflow) = number.multipliedReportingOverflow(by: 10)
            let (sum, carry) =
                isNegative
                ? product.subtractingReportingOverflow(digit)
                : product.addingReportingOverflow(digit)
            guard !overflow, !carry else { throw NotPlain() }
            number = sum
            at += 1
        }
        return number
    }

    func double(_ start: Int) throws -> Double {
        let text = String(decoding: bytes[start..<endOfScalar(start)], as: UTF8.self)
        guard let first = text.utf8.first, first == 0x2D || (0x30...0x39).contains(first),
            let number = Double(text), number.isFinite
        else { throw NotPlain() }
        return number
    }

    func bool(_ start: Int) throws -> Bool {
        switch endOfScalar(start) - start {
        case 4 where bytes[start] == 0x74: return true
        case 5 where bytes[start] == 0x66: return false
        default: throw NotPlain()
        }
    }

    func isNull(_ start: Int) -> Bool {
        start < bytes.count && bytes[start] == 0x6E
    }

    func value<Value: Decodable>(_ type: Value.Type, _ start: Int) throws -> Value {
        guard !JSONCoder.isLeftToFoundation(type) else { throw NotPlain() }
        return try Value(from: PlainDecoder(text: self, start: start))
    }
}

private struct PlainDecoder: Decoder {
    let text: PlainText
    let start: Int
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(
            PlainObject<Key>(text: text, members: try Members(text, start: start)))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try PlainArray(text, start: start)
    }

    func singleValueContainer() -> any SingleValueDecodingContainer {
        PlainValue(text: text, start: start)
    }
}

/// Where the members of an object lie.
private final class Members {
    struct Member {
        var key: Range<Int>
        var value: Int
    }

    private let text: PlainText
    let all: [Member]
    /// The member that was found last: it is asked for again, or the next one is.
    @exclusivity(unchecked) private var last = 0

    init(_ text: PlainText, start: Int) throws {
        var all: [Member] = []
        all.reserveCapacity(12)
        var at = text.skipSpace(start)
        guard try text.byte(at) == 0x7B else { throw NotPlain() }
        at = text.skipSpace(at + 1)
        while try text.byte(at) != 0x7D {
            if text.bytes[at] == 0x2C { at = text.skipSpace(at + 1) }
            guard try text.byte(at) == 0x22 else { throw NotPlain() }
            let end = try text.endOfString(at)
            let key = at + 1..<end - 1
            guard !text.bytes[key].contains(0x5C) else { throw NotPlain() }
            at = text.skipSpace(text.skipSpace(end) + 1)
            all.append(Member(key: key, value: at))
            at = text.skipSpace(try text.endOfValue(at))
        }
        self.text = text
        self.all = all
    }

    func find(_ name: String) -> Int? {
        var name = name
        let found = name.withUTF8 { name in
            text.bytes.withUnsafeBufferPointer { text in
                (last..<all.count).first { Self.matches(text, all[$0].key, name) }
                    ?? (0..<last).first { Self.matches(text, all[$0].key, name) }
            }
        }
        guard let found else { return nil }
        last = found
        return all[found].value
    }

    func name(_ member: Member) -> String {
        String(decoding: text.bytes[member.key], as: UTF8.self)
    }

    private static func matches(
        _ text: UnsafeBufferPointer<UInt8>, _ key: Range<Int>, _ name: UnsafeBufferPointer<UInt8>
    ) -> Bool {
        guard key.count == name.count else { return false }
        for index in 0..<name.count where text[key.lowerBound + index] != name[index] {
            return false
        }
        return true
    }
}

private struct PlainObject<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let text: PlainText
    let members: Members
    var codingPath: [any CodingKey] { [] }
    var allKeys: [Key] { members.all.compactMap { Key(stringValue: members.name($0)) } }

    private func start(_ key: Key) throws -> Int {
        guard let start = members.find(key.stringValue) else { throw NotPlain() }
        return start
    }

    func contains(_ key: Key) -> Bool { members.find(key.stringValue) != nil }
    func decodeNil(forKey key: Key) throws -> Bool { text.isNull(try start(key)) }
    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try text.bool(start(key)) }
    func decode(_ type: String.Type, forKey key: Key) throws -> String {
        try text.string(start(key))
    }
    func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try text.integer(start(key)) }
    func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 {
        try text.integer(start(key))
    }
    func decode(_ type: Double.Type, forKey key: Key) throws -> Double {
        try text.double(start(key))
    }
    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        try text.value(type, start(key))
    }
    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        try PlainDecoder(text: text, start: start(key)).container(keyedBy: type)
    }
    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try PlainArray(text, start: start(key))
    }
    func superDecoder() throws -> any Decoder { throw NotPlain() }
    func superDecoder(forKey key: Key) throws -> any Decoder { throw NotPlain() }
}

private struct PlainArray: UnkeyedDecodingContainer {
    private let text: PlainText
    private let elements: [Int]
    private(set) var currentIndex = 0
    var codingPath: [any CodingKey] { [] }
    var count: Int? { elements.count }
    var isAtEnd: Bool { currentIndex == elements.count }

    init(_ text: PlainText, start: Int) throws {
        var elements: [Int] = []
        guard try text.byte(start) == 0x5B else { throw NotPlain() }
        var at = text.skipSpace(start + 1)
        while try text.byte(at) != 0x5D {
            if text.bytes[at] == 0x2C { at = text.skipSpace(at + 1) }
            elements.append(at)
            at = text.skipSpace(try text.endOfValue(at))
        }
        self.text = text
        self.elements = elements
    }

    private mutating func next() throws -> Int {
        guard !isAtEnd else { throw NotPlain() }
        defer { currentIndex += 1 }
        return elements[currentIndex]
    }

    mutating func decodeNil() throws -> Bool {
        guard !isAtEnd, text.isNull(elements[currentIndex]) else { return false }
        currentIndex += 1
        return true
    }
    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try text.value(type, next())
    }
    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) throws -> KeyedDecodingContainer<Nested> {
        try PlainDecoder(text: text, start: next()).container(keyedBy: type)
    }
    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try PlainArray(text, start: next())
    }
    mutating func superDecoder() throws -> any Decoder { throw NotPlain() }
}

private struct PlainValue: SingleValueDecodingContainer {
    let text: PlainText
    let start: Int
    var codingPath: [any CodingKey] { [] }

    func decodeNil() -> Bool { text.isNull(start) }
    func decode(_ type: Bool.Type) throws -> Bool { try text.bool(start) }
    func decode(_ type: String.Type) throws -> String { try text.string(start) }
    func decode(_ type: Double.Type) throws -> Double { try text.double(start) }
    func decode(_ type: Float.Type) throws -> Float { throw NotPlain() }
    func decode(_ type: Int.Type) throws -> Int { try text.integer(start) }
    func decode(_ type: Int8.Type) throws -> Int8 { try text.integer(start) }
    func decode(_ type: Int16.Type) throws -> Int16 { try text.integer(start) }
    func decode(_ type: Int32.Type) throws -> Int32 { try text.integer(start) }
    func decode(_ type: Int64.Type) throws -> Int64 { try text.integer(start) }
    func decode(_ type: UInt.Type) throws -> UInt { try text.integer(start) }
    func decode(_ type: UInt8.Type) throws -> UInt8 { try text.integer(start) }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try text.integer(start) }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try text.integer(start) }
    func decode(_ type: UInt64.Type) throws -> UInt64 { try text.integer(start) }
    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try text.value(type, start)
    }
}
