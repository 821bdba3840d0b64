/// The outcome of a step: the event that says so, and what changes with it.
public struct Transition<Event: SagaEvent>: Sendable {
    /// The event that goes out.
    public var event: Event
    /// What changes in the participant's records at the same moment.
    public var changes: Changes

    /// An event alone.
    public init(_ event: Event) {
        self.event = event
        changes = Changes()
    }

    /// An event together with changes.
    public init(_ event: Event, _ gather: (inout Changes) throws -> Void) rethrows {
        self.event = event
        changes = try Changes(gather)
    }

    /// An event together with changes made elsewhere.
    public init(_ event: Event, changes: Changes) {
        self.event = event
        self.changes = changes
    }
}

/// A transition whose events are text: what the script applies.
package struct PlannedTransition: Hashable, Sendable {
    package struct Event: Hashable, Sendable {
        package var type: String
        package var version: Int
        package var payload: [UInt8]
    }

    package var events: [Event]
    package var changes: Changes

    package init(events: [Event] = [], changes: Changes = Changes()) {
        self.events = events
        self.changes = changes
    }

    package init<Payload: SagaEvent>(_ transition: Transition<Payload>) throws {
        try self.init(transition, EventKind(Payload.self))
    }

    /// For declarations, which know the kind: asking the type for its name is slow.
    package init<Payload: SagaEvent>(
        _ transition: Transition<Payload>, _ kind: EventKind
    ) throws {
        let event = Event(
            type: kind.type, version: kind.version,
            payload: try EventPayload.encode(transition.event))
        events = [event]
        changes = transition.changes
    }
}
