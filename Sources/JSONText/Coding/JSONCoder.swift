#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Turns values into JSON text and back.
///
/// Payloads are encoded and decoded at every transition, where Foundation's coders cost more
/// than all the rest of our work on it. Ours do the plain cases several times as fast, and give
/// up on whatever is not plain; then Foundation's do it, and theirs are the errors.
package enum JSONCoder {
    private static let encoder = {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes]
        return encoder
    }()
    private static let decoder = JSONDecoder()

    /// The text of a value, the members of a plain one in the order in which it encodes them.
    package static func encode(_ value: some Encodable) throws -> [UInt8] {
        if let text = PlainEncoding.encode(value) { return text }
        return [UInt8](try encoder.encode(value))
    }

    /// A value from text that anybody may have written.
    package static func decode<Value: Decodable>(
        _ type: Value.Type, from text: [UInt8]
    ) throws -> Value {
        guard isJSON(text) else { return try decoder.decode(type, from: Data(text)) }
        return try decode(type, fromChecked: text)
    }

    /// A value from text that has been checked to be JSON, as an event's payload has.
    package static func decode<Value: Decodable>(
        _ type: Value.Type, fromChecked text: [UInt8]
    ) throws -> Value {
        if let value = PlainDecoding.decode(type, from: text) { return value }
        return try decoder.decode(type, from: Data(text))
    }

    /// Types that Foundation's coders treat in a way of their own.
    static func isLeftToFoundation(_ type: Any.Type) -> Bool {
        type == Data.self || type == URL.self || type == Decimal.self
    }

    private static func isJSON(_ text: [UInt8]) -> Bool {
        text.withUnsafeBufferPointer { bytes in
            var scanner = JSONScanner(bytes)
            guard (try? scanner.skipValue()) != nil else { return false }
            scanner.skipSpace()
            return scanner.isAtEnd
        }
    }
}

/// The value is not plain enough for our coders.
struct NotPlain: Error {}
