#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Turns payloads into the text of one JSON object and back.
package enum EventPayload {
    private static let encoder = {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes]
        return encoder
    }()
    private static let decoder = JSONDecoder()

    package static func encode(_ payload: some SagaEvent) throws -> [UInt8] {
        [UInt8](try encoder.encode(payload))
    }

    package static func decode<Payload: SagaEvent>(
        _ type: Payload.Type, from data: [UInt8]
    ) throws(SagaError) -> Payload {
        do {
            return try decoder.decode(type, from: Data(data))
        } catch {
            throw SagaError(.undecodable, "the payload is no \(Payload.type)", cause: error)
        }
    }
}
