/// A kind of event, without its Swift type.
package struct EventKind: Sendable {
    package let type: String
    package let owner: String
    package let version: Int
    private let payload: ObjectIdentifier?
    /// Throws if the text is not a payload of this kind.
    package let check: @Sendable (_ data: [UInt8]) throws(SagaError) -> Void

    package init<Event: SagaEvent>(_ event: Event.Type) {
        type = event.type
        owner = event.owner
        version = event.version
        payload = ObjectIdentifier(event)
        check = { data throws(SagaError) in _ = try EventPayload.decode(event, from: data) }
    }

    /// Whether its events have this payload; asking a type for its name would be slow.
    package func isKind(of event: (some SagaEvent).Type) -> Bool {
        payload == ObjectIdentifier(event)
    }

    /// The event with which a participant tells itself that a saga's time is up.
    package init(deadlineOf participant: String) {
        self.init("DeadlineReached", of: participant)
    }

    /// The event with which an owner asks all who have books about a saga that it does not know.
    package init(missingOf owner: String) {
        self.init("Missing", of: owner)
    }

    /// The event with which an owner tells that a saga is being cancelled: `OrderCancelling`.
    package init(cancellingOf owner: String) {
        let words = owner.split(separator: "-").map { $0.prefix(1).uppercased() + $0.dropFirst() }
        self.init("Cancelling", of: owner, called: words.joined())
    }

    /// What people ask of one service alone: of the stream `again`, which holds several types.
    package init(againOf participant: String) {
        type = Self.again
        owner = participant
        version = 1
        payload = nil
        check = { _ throws(SagaError) in }
    }

    private static let again = "again"

    /// Whether it stands for requests of several types, and for no event.
    package var isAgain: Bool { type == Self.again }

    /// - Parameter name: stands for the participant in the type, if its own cannot.
    private init(_ ending: String, of participant: String, called name: String? = nil) {
        type = (name ?? participant.prefix(1).uppercased() + participant.dropFirst()) + ending
        owner = participant
        version = 1
        payload = nil
        check = { _ throws(SagaError) in }
    }
}
