#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Turns payloads into the text of one JSON object and back.
///
/// Payloads are encoded and decoded at every transition, where Foundation's coders cost more
/// than all the rest of our work on it. Ours do the plain cases several times as fast, and give
/// up on whatever is not plain; then Foundation's do it, and theirs are the errors.
package enum EventPayload {
    private static let encoder = {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes]
        return encoder
    }()
    private static let decoder = JSONDecoder()

    package static func encode(_ payload: some SagaEvent) throws -> [UInt8] {
        if let text = PayloadEncoder.encode(payload) { return text }
        return [UInt8](try encoder.encode(payload))
    }

    package static func decode<Payload: SagaEvent>(
        _ type: Payload.Type, from text: [UInt8]
    ) throws(SagaError) -> Payload {
        if let payload = PayloadDecoder.decode(type, from: text) { return payload }
        do {
            return try decoder.decode(type, from: Data(text))
        } catch {
            throw SagaError(.undecodable, "the payload is no \(Payload.type)", cause: error)
        }
    }

    /// Types that Foundation's coders treat in a way of their own.
    static func isLeftToFoundation(_ type: Any.Type) -> Bool {
        type == Data.self || type == URL.self || type == Decimal.self
    }
}

/// The value is not plain enough for our coders.
struct NotPlain: Error {}
