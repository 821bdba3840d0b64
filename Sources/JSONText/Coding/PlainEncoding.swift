/// Writes plain values as JSON while they encode themselves, without a tree in between.
///
///     {"order":{"id":"1","lines":[1,2      what is open: an object, an object, an array
///
/// A container that is written to while a younger one is open closes that one first; that is
/// how all synthesised encoding goes. Who writes to a closed container, or needs anything out
/// of the ordinary, gets `NotPlain`.
final class PlainEncoding {
    private struct Open {
        var number: Int
        var isObject: Bool
        var isEmpty = true
    }

    // One value's encoder is used by one thread and never re-entered while it writes; the
    // checks of that would cost a quarter of the time.
    @exclusivity(unchecked) fileprivate var text: [UInt8] = []
    @exclusivity(unchecked) private var open: [Open] = []
    @exclusivity(unchecked) private var next = 0
    /// Whether somebody wrote to a container that was closed.
    private var isSpoiled = false
    /// Whether a value was written where the current encoder stands.
    @exclusivity(unchecked) private var hasValue = false

    private init() {
        text.reserveCapacity(256)
        open.reserveCapacity(4)
    }

    /// The text of a value, or nothing if it is not plain.
    static func encode(_ value: some Encodable) -> [UInt8]? {
        let encoder = PlainEncoding()
        do {
            try encoder.value(value)
        } catch {
            return nil
        }
        return encoder.isSpoiled ? nil : encoder.text
    }

    // MARK: - Values

    func value<Value: Encodable>(_ value: Value) throws {
        guard !JSONCoder.isLeftToFoundation(Value.self) else { throw NotPlain() }
        let depth = open.count
        hasValue = false
        try value.encode(to: PlainEncoder(encoder: self))
        guard hasValue else { throw NotPlain() }
        while open.count > depth { closeLast() }
        hasValue = true
    }

    func string(_ string: String) {
        hasValue = true
        text.append(quoted: string)
    }

    func literal(_ literal: StaticString) {
        hasValue = true
        literal.withUTF8Buffer { text.append(contentsOf: $0) }
    }

    func integer<Number: FixedWidthInteger>(_ number: Number) {
        hasValue = true
        if number >= 0, number <= 9 {
            text.append(0x30 + UInt8(truncatingIfNeeded: number))
        } else {
            text.append(contentsOf: String(number).utf8)
        }
    }

    func double(_ number: Double) throws {
        guard number.isFinite else { throw NotPlain() }
        hasValue = true
        text.append(contentsOf: number.description.utf8)
    }

    // MARK: - Containers

    fileprivate func begin(isObject: Bool) -> Int {
        hasValue = true
        next += 1
        open.append(Open(number: next, isObject: isObject))
        text.append(isObject ? 0x7B : 0x5B)
        return next
    }

    /// Makes a container the youngest open one, and separates its next element.
    fileprivate func element(of number: Int) throws {
        while let last = open.last, last.number > number { closeLast() }
        guard let last = open.indices.last, open[last].number == number else {
            isSpoiled = true
            throw NotPlain()
        }
        if !open[last].isEmpty { text.append(0x2C) }
        open[last].isEmpty = false
    }

    fileprivate func key(_ key: String, of number: Int) throws {
        try element(of: number)
        string(key)
        text.append(0x3A)
    }

    private func closeLast() {
        guard let last = open.popLast() else { return }
        text.append(last.isObject ? 0x7D : 0x5D)
    }
}

/// What a value sees of the encoder.
private struct PlainEncoder: Encoder {
    let encoder: PlainEncoding
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        KeyedEncodingContainer(
            PlainObject<Key>(encoder: encoder, number: encoder.begin(isObject: true)))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        PlainArray(encoder: encoder, number: encoder.begin(isObject: false))
    }

    func singleValueContainer() -> any SingleValueEncodingContainer {
        PlainValue(encoder: encoder)
    }
}

private struct PlainObject<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let encoder: PlainEncoding
    let number: Int
    var codingPath: [any CodingKey] { [] }

    private func write(_ key: Key, _ value: () throws -> Void) throws {
        try encoder.key(key.stringValue, of: number)
        try value()
    }

    func encodeNil(forKey key: Key) throws { try write(key) { encoder.literal("null") } }
    func encode(_ value: Bool, forKey key: Key) throws {
        try write(key) { encoder.literal(value ? "true" : "false") }
    }
    func encode(_ value: String, forKey key: Key) throws {
        try write(key) { encoder.string(value) }
    }
    func encode(_ value: Int, forKey key: Key) throws {
        try write(key) { encoder.integer(value) }
    }
    func encode(_ value: Int64, forKey key: Key) throws {
        try write(key) { encoder.integer(value) }
    }
    func encode(_ value: Double, forKey key: Key) throws {
        try write(key) { try encoder.double(value) }
    }
    func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws {
        try write(key) { try encoder.value(value) }
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
        let isOpen = (try? encoder.key(key.stringValue, of: number)) != nil
        return KeyedEncodingContainer(
            PlainObject<Nested>(
                encoder: encoder, number: isOpen ? encoder.begin(isObject: true) : 0))
    }
    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        let isOpen = (try? encoder.key(key.stringValue, of: number)) != nil
        return PlainArray(encoder: encoder, number: isOpen ? encoder.begin(isObject: false) : 0)
    }
    func superEncoder() -> any Encoder { ClosedEncoder(encoder: encoder) }
    func superEncoder(forKey key: Key) -> any Encoder { ClosedEncoder(encoder: encoder) }
}

private struct PlainArray: UnkeyedEncodingContainer {
    let encoder: PlainEncoding
    let number: Int
    var count = 0
    var codingPath: [any CodingKey] { [] }

    init(encoder: PlainEncoding, number: Int) {
        self.encoder = encoder
        self.number = number
    }

    private mutating func write(_ value: () throws -> Void) throws {
        try encoder.element(of: number)
        count += 1
        try value()
    }

    mutating func encodeNil() throws {
        let encoder = encoder
        try write { encoder.literal("null") }
    }
    mutating func encode<Value: Encodable>(_ value: Value) throws {
        let encoder = encoder
        try write { try encoder.value(value) }
    }
    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) -> KeyedEncodingContainer<Nested> {
        let isOpen = (try? encoder.element(of: number)) != nil
        return KeyedEncodingContainer(
            PlainObject<Nested>(
                encoder: encoder, number: isOpen ? encoder.begin(isObject: true) : 0))
    }
    mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
        let isOpen = (try? encoder.element(of: number)) != nil
        return PlainArray(encoder: encoder, number: isOpen ? encoder.begin(isObject: false) : 0)
    }
    mutating func superEncoder() -> any Encoder { ClosedEncoder(encoder: encoder) }
}

private struct PlainValue: SingleValueEncodingContainer {
    let encoder: PlainEncoding
    var codingPath: [any CodingKey] { [] }

    func encodeNil() { encoder.literal("null") }
    func encode(_ value: Bool) { encoder.literal(value ? "true" : "false") }
    func encode(_ value: String) { encoder.string(value) }
    func encode(_ value: Double) throws { try encoder.double(value) }
    func encode(_ value: Float) throws { throw NotPlain() }
    func encode(_ value: Int) { encoder.integer(value) }
    func encode(_ value: Int8) { encoder.integer(value) }
    func encode(_ value: Int16) { encoder.integer(value) }
    func encode(_ value: Int32) { encoder.integer(value) }
    func encode(_ value: Int64) { encoder.integer(value) }
    func encode(_ value: UInt) { encoder.integer(value) }
    func encode(_ value: UInt8) { encoder.integer(value) }
    func encode(_ value: UInt16) { encoder.integer(value) }
    func encode(_ value: UInt32) { encoder.integer(value) }
    func encode(_ value: UInt64) { encoder.integer(value) }
    func encode<Value: Encodable>(_ value: Value) throws { try encoder.value(value) }
}

/// Inheritance is not plain: everything written here fails.
private struct ClosedEncoder: Encoder {
    let encoder: PlainEncoding
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        KeyedEncodingContainer(PlainObject<Key>(encoder: encoder, number: 0))
    }
    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        PlainArray(encoder: encoder, number: 0)
    }
    func singleValueContainer() -> any SingleValueEncodingContainer {
        ClosedValue()
    }
}

private struct ClosedValue: SingleValueEncodingContainer {
    var codingPath: [any CodingKey] { [] }

    func encodeNil() throws { throw NotPlain() }
    func encode<Value: Encodable>(_ value: Value) throws { throw NotPlain() }
}
