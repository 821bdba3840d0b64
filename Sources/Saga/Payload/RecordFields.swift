import JSONText
import Timekeeping

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Turns a value into the fields of a hash record, and back.
///
///     Stay(room: "12", nights: 3, paid: true, from: 2026-11-22, guests: ["Ada"], note: nil)
///
///     room 12 · nights 3 · paid true · from 2026-11-22T00:00:00.000Z · guests ["Ada"]
///
/// A text stands in its field as it is, numbers and booleans as JSON writes them, a `Date` as
/// RFC 3339 to the millisecond, and what has parts as JSON. What is nil has no field.
enum RecordFields {
    private static let encoder = {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
        encoder.dateEncodingStrategy = .custom { date, encoder in
            var container = encoder.singleValueContainer()
            let milliseconds = (date.timeIntervalSince1970 * 1000).rounded()
            guard abs(milliseconds) < 1e15 else {
                throw EncodingError.invalidValue(
                    date,
                    EncodingError.Context(
                        codingPath: encoder.codingPath, debugDescription: "no time of ours"))
            }
            try container.encode(Timestamp(milliseconds: Int64(milliseconds)).description)
        }
        return encoder
    }()

    fileprivate static let decoder = {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .custom { decoder in
            let container = try decoder.singleValueContainer()
            return try date(try container.decode(String.self))
        }
        return decoder
    }()

    /// The fields of a value.
    ///
    /// - Throws: `undecodable` if it has none, as a number alone, or cannot be encoded.
    static func encode<Value: Encodable>(
        _ value: Value, of record: RecordName
    ) throws(SagaError) -> [String: String] {
        do {
            return try members([UInt8](try encoder.encode(value)))
        } catch {
            throw SagaError(
                .undecodable, "\(Value.self) cannot be written to the fields of \(record)",
                cause: error)
        }
    }

    /// The members of a JSON object, texts without their quotation marks.
    private static func members(_ json: [UInt8]) throws(JSONFault) -> [String: String] {
        var fields: [String: String] = [:]
        try json.withUnsafeBufferPointer { (text) throws(JSONFault) in
            var scanner = JSONScanner(text)
            try scanner.expect("{")
            if scanner.take("}") { return }
            repeat {
                let name = try scanner.string(try scanner.text())
                try scanner.expect(":")
                if scanner.peek() == UInt8(ascii: "\"") {
                    fields[name] = try scanner.string(try scanner.text())
                } else {
                    let value = String(decoding: text[try scanner.skipValue()], as: UTF8.self)
                    if value != "null" { fields[name] = value }
                }
            } while scanner.take(",")
        }
        return fields
    }

    /// The value that a record's fields hold.
    ///
    /// - Throws: `undecodable`, naming the first field that is missing or holds something else.
    static func decode<Value: Decodable>(
        _ type: Value.Type, from fields: [String: String], of record: RecordName
    ) throws(SagaError) -> Value {
        do {
            return try Value(from: FieldsDecoder(fields: fields))
        } catch let error as DecodingError {
            throw SagaError(
                .undecodable, "\(record) holds no \(type): \(fault(error))", cause: error)
        } catch {
            throw SagaError(.undecodable, "\(record) holds no \(type)", cause: error)
        }
    }

    /// What is wrong, without the value: that may be anybody's.
    private static func fault(_ error: DecodingError) -> String {
        switch error {
        case .keyNotFound(let key, let context):
            "there is no \(path(context.codingPath + [key]))"
        case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
            "\(path(context.codingPath)) is not of type \(type)"
        case .dataCorrupted(let context): "\(path(context.codingPath)) cannot be read"
        @unknown default: "it cannot be read"
        }
    }

    private static func path(_ path: [any CodingKey]) -> String {
        let names = path.map { $0.intValue.map(String.init) ?? $0.stringValue }
        return names.isEmpty ? "it" : "'\(names.joined(separator: "."))'"
    }

    // MARK: - One field

    /// The value of a field.
    fileprivate static func value<Value: Decodable>(
        _ type: Value.Type, in text: String, at path: [any CodingKey]
    ) throws -> Value {
        if let value = try plain(type, text, path) { return value }
        let decoder = FieldDecoder(text: text, codingPath: path)
        let whole = Result { try Value(from: decoder) }
        return decoder.hasParts ? try parts(type, text, path, else: whole) : try whole.get()
    }

    /// What has no parts, so that it never asks a decoder for them; nil for any other type.
    private static func plain<Value: Decodable>(
        _ type: Value.Type, _ text: String, _ path: [any CodingKey]
    ) throws -> Value? {
        let value: Any?
        switch type {
        case is String.Type: value = text
        case is Bool.Type: value = text == "true" ? true : text == "false" ? false : nil
        case is Date.Type: value = try? date(text)
        case let type as any FixedWidthInteger.Type: value = integer(type, text)
        case is Double.Type: value = isNumber(text) ? Double(text) : nil
        case is Float.Type: value = isNumber(text) ? Float(text) : nil
        default: return nil
        }
        guard let value = value as? Value else {
            throw DecodingError.typeMismatch(
                type, DecodingError.Context(codingPath: path, debugDescription: "it is “\(text)”"))
        }
        return value
    }

    private static func integer(_ type: any FixedWidthInteger.Type, _ text: String) -> Any? {
        func read<Number: FixedWidthInteger>(_ type: Number.Type) -> Any? { Number(text) }
        return isNumber(text) ? read(type) : nil
    }

    /// Whether it could be a number of JSON: no sign of plus, no hexadecimal, no infinity.
    private static func isNumber(_ text: String) -> Bool {
        text.utf8.allSatisfy {
            (0x30...0x39).contains($0) || "-+.eE".utf8.contains($0)
        } && text.utf8.first != UInt8(ascii: "+")
    }

    /// What stands there as JSON; or, of a type that can also be a text, as its text.
    private static func parts<Value: Decodable>(
        _ type: Value.Type, _ text: String, _ path: [any CodingKey],
        else whole: Result<Value, any Error>
    ) throws -> Value {
        let hasParts = text.utf8.first.map { "{[".utf8.contains($0) } ?? false
        if case .success(let value) = whole, !hasParts { return value }
        do {
            return try decoder.decode(type, from: Data(text.utf8))
        } catch {
            if case .success(let value) = whole { return value }
            // Foundation's coders treat some types in a way of their own, as texts: `URL`.
            if let value = try? decoder.decode(type, from: encoder.encode(text)) { return value }
            guard let error = error as? DecodingError else { throw error }
            throw placed(error, under: path)
        }
    }

    /// The decoder of a field that holds JSON.
    fileprivate static func parts(
        in text: String, at path: [any CodingKey]
    ) throws -> any Decoder {
        let decoder = FieldDecoder(text: text, codingPath: path)
        return try parts(
            DecoderItself.self, text, path, else: Result { throw decoder.wantsParts() }
        ).decoder
    }

    private static func placed(
        _ error: DecodingError, under path: [any CodingKey]
    ) -> DecodingError {
        func placed(_ context: DecodingError.Context) -> DecodingError.Context {
            DecodingError.Context(
                codingPath: path + context.codingPath, debugDescription: context.debugDescription,
                underlyingError: context.underlyingError)
        }
        switch error {
        case .keyNotFound(let key, let context): return .keyNotFound(key, placed(context))
        case .typeMismatch(let type, let context): return .typeMismatch(type, placed(context))
        case .valueNotFound(let type, let context): return .valueNotFound(type, placed(context))
        case .dataCorrupted(let context): return .dataCorrupted(placed(context))
        @unknown default: return error
        }
    }

    private static func date(_ text: String) throws -> Date {
        var copy = text
        guard let time = copy.withUTF8({ Timestamp(rfc3339: $0) }) else {
            throw DecodingError.dataCorrupted(
                DecodingError.Context(codingPath: [], debugDescription: "“\(text)” is not a time"))
        }
        return Date(timeIntervalSince1970: Double(time.milliseconds) / 1000)
    }
}

/// Hands out the decoder that it was to be decoded by.
private struct DecoderItself: Decodable {
    let decoder: any Decoder

    init(from decoder: any Decoder) { self.decoder = decoder }
}

/// Decodes a value whose members are a record's fields.
private struct FieldsDecoder: Decoder {
    let fields: [String: String]
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(Fields<Key>(fields: fields))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer { throw needsFields() }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { throw needsFields() }

    private func needsFields() -> DecodingError {
        .dataCorrupted(
            DecodingError.Context(codingPath: [], debugDescription: "a record has fields"))
    }
}

private struct Fields<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let fields: [String: String]
    var codingPath: [any CodingKey] { [] }
    var allKeys: [Key] { fields.keys.compactMap { Key(stringValue: $0) } }

    func contains(_ key: Key) -> Bool { fields[key.stringValue] != nil }

    func decodeNil(forKey key: Key) -> Bool { false }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        try RecordFields.value(type, in: text(key), at: [key])
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        try superDecoder(forKey: key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try superDecoder(forKey: key).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder {
        guard let text = fields["super"] else {
            throw DecodingError.dataCorrupted(
                DecodingError.Context(codingPath: [], debugDescription: "there is no 'super'"))
        }
        return try RecordFields.parts(in: text, at: [])
    }

    func superDecoder(forKey key: Key) throws -> any Decoder {
        try RecordFields.parts(in: text(key), at: [key])
    }

    private func text(_ key: Key) throws -> String {
        guard let text = fields[key.stringValue] else {
            throw DecodingError.keyNotFound(
                key, DecodingError.Context(codingPath: [], debugDescription: "no such field"))
        }
        return text
    }
}

/// Decodes a value that a field holds as its text, and notes if it wants parts of it.
private final class FieldDecoder: Decoder, SingleValueDecodingContainer {
    let text: String
    let codingPath: [any CodingKey]
    private(set) var hasParts = false
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    init(text: String, codingPath: [any CodingKey]) {
        self.text = text
        self.codingPath = codingPath
    }

    func container<Key: CodingKey>(
        keyedBy type: Key.Type
    ) throws -> KeyedDecodingContainer<Key> { throw wantsParts() }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer { throw wantsParts() }

    func singleValueContainer() -> any SingleValueDecodingContainer { self }

    func decodeNil() -> Bool { false }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try RecordFields.value(type, in: text, at: codingPath)
    }

    func wantsParts() -> DecodingError {
        hasParts = true
        return .dataCorrupted(
            DecodingError.Context(codingPath: codingPath, debugDescription: "it has no parts"))
    }
}
