/// The payloads that started a step or a pivot, in the order in which it names its triggers.
package enum JoinedPayloads: Sendable {
    /// Of the one event that it waits for; without an array of its own, as this is the usual way.
    case one([UInt8])
    /// Of all events that it waits for.
    case all([[UInt8]])

    package subscript(_ index: Int) -> [UInt8]? {
        switch self {
        case .one(let payload): index == 0 ? payload : nil
        case .all(let payloads): payloads.indices.contains(index) ? payloads[index] : nil
        }
    }
}

/// Reads payloads as the events that they are.
struct JoinedPayloadReader {
    private let payloads: JoinedPayloads
    private var index = 0

    init(_ payloads: JoinedPayloads) {
        self.payloads = payloads
    }

    mutating func readAll<each Event: LegTrigger>() throws(SagaError) -> (repeat each Event) {
        (repeat try readNext((each Event).self))
    }

    /// The event of a step that waits for no other.
    static func only<Event: LegTrigger>(
        _ payloads: JoinedPayloads
    ) throws(SagaError) -> Event {
        var reader = JoinedPayloadReader(payloads)
        return try reader.readNext(Event.self)
    }

    private mutating func readNext<Event: LegTrigger>(
        _ event: Event.Type
    ) throws(SagaError) -> Event {
        defer { index += 1 }
        guard let payload = payloads[index] else {
            throw SagaError(.undecodable, "\(event) has not come")
        }
        return try event.read(AwaitedPayload(text: payload))
    }
}
