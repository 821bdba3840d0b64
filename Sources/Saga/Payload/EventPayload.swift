import JSONText

/// Turns payloads into the text of one JSON object and back.
package enum EventPayload {
    package static func encode(_ payload: some SagaEvent) throws -> [UInt8] {
        try JSONCoder.encode(payload)
    }

    /// The payload of an event, whose text was checked when the event was read.
    package static func decode<Payload: SagaEvent>(
        _ type: Payload.Type, from text: [UInt8]
    ) throws(SagaError) -> Payload {
        do {
            return try JSONCoder.decode(type, fromChecked: text)
        } catch {
            throw SagaError(
                .undecodable, "the payload is not that of \(Payload.type)", cause: error)
        }
    }
}
