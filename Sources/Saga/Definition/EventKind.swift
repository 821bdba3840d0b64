/// A kind of event, without its Swift type.
package struct EventKind: Sendable {
    package let type: String
    package let owner: String
    package let version: Int
    /// Throws if the text is no payload of this kind.
    package let check: @Sendable (_ data: [UInt8]) throws(SagaError) -> Void

    package init<Event: SagaEvent>(_ event: Event.Type) {
        type = event.type
        owner = event.owner
        version = event.version
        check = { data throws(SagaError) in _ = try EventPayload.decode(event, from: data) }
    }

    /// The event with which a participant tells itself that a saga's time is up.
    package init(deadlineOf participant: String) {
        let name = participant.prefix(1).uppercased() + participant.dropFirst()
        type = "\(name)DeadlineReached"
        owner = participant
        version = 1
        check = { _ throws(SagaError) in }
    }
}
