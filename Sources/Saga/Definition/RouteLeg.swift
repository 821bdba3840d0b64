/// A leg without its Swift types.
package struct RouteLeg: Sendable {
    package var step: String
    package var participant: String
    package var triggers: [EventKind]
    /// The types among them without which it goes on if their legs were not needed.
    package var mayLack: Set<String>
    package var success: EventKind
    package var failure: EventKind
    package var undone: EventKind?
    package var actsOutside: Bool
    /// How it asks what is to become of what it holds outside.
    package var unclaimed: RouteUnclaimed?
    /// When it is needed; always without one, and there is no more than one.
    package var conditions: [RouteCondition] = []
    /// What it says.
    package var events: [any SagaEvent.Type]
    /// Reads the reason out of its failure.
    package var reason: @Sendable (_ data: [UInt8]) throws(SagaError) -> BusinessFailure

    package var name: String { "\(participant)/\(step)" }
    package var condition: RouteCondition? { conditions.first }
}

/// The event by which a leg asks its saga's owner, without its Swift type.
package struct RouteUnclaimed: Sendable {
    package var kind: EventKind
    package var make: @Sendable (UnclaimedQuestion) throws -> PlannedTransition
    package var read: @Sendable (_ data: [UInt8]) throws(SagaError) -> UnclaimedQuestion
}

/// What an owner is asked about something that stands outside, or answered when it asked.
package struct UnclaimedQuestion: Hashable, Sendable {
    package var key: String
    package var isFinal: Bool
    /// How often it was asked; 0 if it is an answer.
    package var count: Int

    package var isAnswer: Bool { count == 0 }

    package init(key: String, isFinal: Bool, count: Int) {
        self.key = key
        self.isFinal = isFinal
        self.count = count
    }
}

/// A finishing leg without its Swift types.
package struct RouteFinish: Sendable {
    package var step: String
    package var participant: String
    package var trigger: EventKind
    package var emits: EventKind?
    /// What it says.
    package var events: [any SagaEvent.Type]

    package var name: String { "\(participant)/\(step)" }
}

/// A leg of before without its Swift types.
package struct RouteFormerLeg: Sendable {
    package var step: String
    package var participant: String
    package var answers: [EventKind]

    package var name: String { "\(participant)/\(step)" }
}

/// The owner's part of a route without its Swift types.
package struct RouteEnds: Sendable {
    package var owner: String
    package var begins: EventKind
    /// What the pivot waits for.
    package var pivot: [EventKind]
    /// The types among them without which it is passed if their legs were not needed.
    package var mayLack: Set<String>
    package var completed: EventKind
    package var cancelled: EventKind
    package var request: EventKind
    /// What the owner says.
    package var events: [any SagaEvent.Type]
}
