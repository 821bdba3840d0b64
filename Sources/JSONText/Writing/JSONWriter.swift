/// Writes one JSON object compactly, its members in the order they are set.
///
///     let body = JSONWriter.object { json in
///         json.set("id", order.id)
///         json.set("total") { total in
///             total.set("amount", order.amount)
///             total.set("currency", order.currency)
///         }
///         json.set("items", each: order.items) { item, json in json.set("id", item.id) }
///     }
///
/// Optional values that are nil are left out. Set each name once; that is not checked.
public struct JSONWriter {
    private var bytes: [UInt8] = []
    private var isFirst = true

    private init() {}

    /// The text of one object.
    public static func object(_ write: (inout JSONWriter) -> Void) -> [UInt8] {
        var writer = JSONWriter()
        writer.bytes.reserveCapacity(256)
        writer.writeObject(write)
        return writer.bytes
    }

    /// A text, left out if nil.
    public mutating func set(_ name: String, _ value: String?) {
        guard let value else { return }
        startMember(name)
        bytes.append(quoted: value)
    }

    /// An integer, left out if nil.
    public mutating func set(_ name: String, _ value: (some BinaryInteger & Sendable)?) {
        guard let value else { return }
        startMember(name)
        bytes.append(contentsOf: String(value).utf8)
    }

    /// A truth value, left out if nil.
    public mutating func set(_ name: String, _ value: Bool?) {
        guard let value else { return }
        startMember(name)
        bytes.append(contentsOf: (value ? "true" : "false").utf8)
    }

    /// An explicit `null`.
    public mutating func setNull(_ name: String) {
        startMember(name)
        bytes.append(contentsOf: "null".utf8)
    }

    /// An object.
    public mutating func set(_ name: String, _ write: (inout JSONWriter) -> Void) {
        startMember(name)
        writeObject(write)
    }

    /// An array of objects.
    public mutating func set<Element>(
        _ name: String, each elements: some Sequence<Element>,
        _ write: (Element, inout JSONWriter) -> Void
    ) {
        startMember(name)
        writeArray(elements) { element, writer in
            writer.writeObject { object in write(element, &object) }
        }
    }

    /// An array of texts.
    public mutating func set(_ name: String, texts: some Sequence<String>) {
        startMember(name)
        writeArray(texts) { text, writer in writer.bytes.append(quoted: text) }
    }

    /// Any value.
    public mutating func set(_ name: String, value: StrictJSON) {
        startMember(name)
        write(value)
    }

    /// JSON text that is already written.
    ///
    /// It must be exactly one valid value.
    public mutating func set(_ name: String, json text: some Collection<UInt8>) {
        startMember(name)
        bytes.append(contentsOf: text)
    }

    // MARK: - Bytes

    private mutating func startMember(_ name: String) {
        if !isFirst { bytes.append(UInt8(ascii: ",")) }
        isFirst = false
        bytes.append(quoted: name)
        bytes.append(UInt8(ascii: ":"))
    }

    private mutating func writeObject(_ write: (inout JSONWriter) -> Void) {
        let outerIsFirst = isFirst
        isFirst = true
        bytes.append(UInt8(ascii: "{"))
        write(&self)
        bytes.append(UInt8(ascii: "}"))
        isFirst = outerIsFirst
    }

    private mutating func writeArray<Element>(
        _ elements: some Sequence<Element>, _ write: (Element, inout JSONWriter) -> Void
    ) {
        bytes.append(UInt8(ascii: "["))
        var needsComma = false
        for element in elements {
            if needsComma { bytes.append(UInt8(ascii: ",")) }
            needsComma = true
            write(element, &self)
        }
        bytes.append(UInt8(ascii: "]"))
    }

    private mutating func write(_ value: StrictJSON) {
        switch value {
        case .null: bytes.append(contentsOf: "null".utf8)
        case .bool(let value): bytes.append(contentsOf: (value ? "true" : "false").utf8)
        case .integer(let number): bytes.append(contentsOf: String(number).utf8)
        case .decimal(let number): bytes.append(contentsOf: number.description.utf8)
        case .string(let text): bytes.append(quoted: text)
        case .array(let elements): writeArray(elements) { $1.write($0) }
        case .object(let members):
            writeObject { object in
                for member in members {
                    object.startMember(member.name)
                    object.write(member.value)
                }
            }
        }
    }
}
