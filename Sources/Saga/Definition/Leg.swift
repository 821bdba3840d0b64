/// What one participant does for a saga, as its neighbours see it: what starts it, and what it
/// says then.
///
///     triggers ──▶ step ──▶ success                 a failure of others, or the request
///                    └────▶ failure                             └──▶ undone
///
/// A leg that names several triggers waits for all of them; legs that name the same one run side
/// by side. What else it hears (whose failure makes it undo, whom the saga waits for) follows from
/// the route that it is part of.
///
/// `Undone` is an `UndoneEvent`, or `NoEvent` if there is nothing to undo; which of the two decides
/// whether `Perform` takes an undo for it, and needs one.
public struct Leg<
    Input: Sendable, Success: SagaEvent, Failure: FailureEvent, Undone: SagaEvent
>: Sendable {
    package internal(set) var content: RouteLeg
    let read: @Sendable (JoinedPayloads) throws(SagaError) -> Input

    /// Names a leg.
    ///
    /// - Parameters:
    ///   - step: unique in the participant, `charge`. Part of ledgers and of idempotency keys:
    ///     never change it while sagas run.
    ///   - participant: who acts.
    ///   - triggers: what it waits for; all of them if there are several. `Optional` of an event
    ///     whose own leg is not always needed.
    ///   - success: the event that says it succeeded.
    ///   - failure: the event that says it did not, and that nothing of it is left.
    ///   - undone: the event that says it was undone.
    ///   - actsOutside: whether it touches anything but the participant's own records.
    public init<each Event: LegTrigger>(
        _ step: String, by participant: String, on triggers: repeat (each Event).Type,
        emits success: Success.Type, orElse failure: Failure.Type, undone: Undone.Type,
        actsOutside: Bool = true
    ) where Input == (repeat each Event), Undone: UndoneEvent {
        self.init(
            step, by: participant, joining: repeat each triggers, undone: EventKind(undone),
            actsOutside: actsOutside)
    }

    private init<each Event: LegTrigger>(
        _ step: String, by participant: String, joining triggers: repeat (each Event).Type,
        undone: EventKind?, actsOutside: Bool
    ) where Input == (repeat each Event) {
        var awaited: [AwaitedEvent] = []
        repeat awaited.append((each triggers).awaited)
        self.init(
            step, by: participant, on: awaited, undone: undone, actsOutside: actsOutside
        ) { payloads throws(SagaError) in
            var reader = JoinedPayloadReader(payloads)
            return try reader.readAll()
        }
    }

    /// - Parameter undone: nil for a leg that has nothing to undo.
    private init(
        _ step: String, by participant: String, on awaited: [AwaitedEvent], undone: EventKind?,
        actsOutside: Bool, read: @escaping @Sendable (JoinedPayloads) throws(SagaError) -> Input
    ) {
        self.read = read
        var types: [any SagaEvent.Type] = [Success.self, Failure.self]
        if undone != nil { types.append(Undone.self) }
        content = RouteLeg(
            step: step, participant: participant, triggers: awaited.map(\.kind),
            mayLack: AwaitedEvent.lacking(awaited), success: EventKind(Success.self),
            failure: EventKind(Failure.self), undone: undone,
            actsOutside: actsOutside, events: types,
            reason: { data throws(SagaError) in
                try EventPayload.decode(Failure.self, from: data).failure
            })
    }
}

/// With one trigger its payload is the input as it is: what asks about it in the same expression
/// would not compile otherwise, if it is an `Optional`.
extension Leg where Input: LegTrigger {
    /// Names a leg that waits for one event.
    ///
    /// - Parameters:
    ///   - step: unique in the participant, `charge`. Part of ledgers and of idempotency keys:
    ///     never change it while sagas run.
    ///   - participant: who acts.
    ///   - trigger: what it waits for; `Optional` of an event whose own leg is not always needed.
    ///   - success: the event that says it succeeded.
    ///   - failure: the event that says it did not, and that nothing of it is left.
    ///   - undone: the event that says it was undone.
    ///   - actsOutside: whether it touches anything but the participant's own records.
    public init(
        _ step: String, by participant: String, on trigger: Input.Type,
        emits success: Success.Type, orElse failure: Failure.Type, undone: Undone.Type,
        actsOutside: Bool = true
    ) where Undone: UndoneEvent {
        self.init(
            step, by: participant, joining: trigger, undone: EventKind(undone),
            actsOutside: actsOutside)
    }

    private init(
        _ step: String, by participant: String, joining trigger: Input.Type, undone: EventKind?,
        actsOutside: Bool
    ) {
        self.init(
            step, by: participant, on: [trigger.awaited], undone: undone, actsOutside: actsOutside
        ) { payloads throws(SagaError) in try JoinedPayloadReader.only(payloads) }
    }
}

extension Leg where Input: LegTrigger, Undone == NoEvent {
    /// Names a leg that waits for one event and has no effect which would have to be undone.
    public init(
        _ step: String, by participant: String, on trigger: Input.Type,
        emits success: Success.Type, orElse failure: Failure.Type, actsOutside: Bool = true
    ) {
        self.init(
            step, by: participant, joining: trigger, undone: nil, actsOutside: actsOutside)
    }
}

extension Leg {
    /// Names the event by which the participant asks the owner what is to become of something that
    /// stands outside and that none of its ledgers knows.
    ///
    /// `Perform.reconciled(with:)` says where to look.
    public func asking<Unclaimed: UnclaimedEvent>(by unclaimed: Unclaimed.Type) -> Self {
        var leg = self
        leg.content.unclaimed = RouteUnclaimed(
            kind: EventKind(unclaimed),
            make: { question in
                let event = Unclaimed(
                    key: question.key, isFinal: question.isFinal, count: question.count)
                return try PlannedTransition(Transition(event))
            },
            read: { data throws(SagaError) in
                let event = try EventPayload.decode(Unclaimed.self, from: data)
                return UnclaimedQuestion(
                    key: event.key, isFinal: event.isFinal, count: event.count)
            })
        leg.content.events.append(unclaimed)
        return leg
    }
}

extension Leg where Undone == NoEvent {
    /// Names a leg that has no effect which would have to be undone.
    public init<each Event: LegTrigger>(
        _ step: String, by participant: String, on triggers: repeat (each Event).Type,
        emits success: Success.Type, orElse failure: Failure.Type, actsOutside: Bool = true
    ) where Input == (repeat each Event) {
        self.init(
            step, by: participant, joining: repeat each triggers, undone: nil,
            actsOutside: actsOutside)
    }
}

/// What completes a leg once its saga has passed the pivot: only forward from there.
public struct FinishingLeg<Input: SagaEvent, Output: SagaEvent>: Sendable {
    package let content: RouteFinish

    /// Names what completes a leg and says so.
    public init(
        of leg: Leg<some Sendable, some SagaEvent, some FailureEvent, some SagaEvent>,
        on trigger: Input.Type, emits output: Output.Type
    ) {
        let isSilent = output == NoEvent.self
        content = RouteFinish(
            step: leg.content.step, participant: leg.content.participant,
            trigger: EventKind(trigger), emits: isSilent ? nil : EventKind(output),
            events: isSilent ? [] : [output])
    }
}

extension FinishingLeg where Output == NoEvent {
    /// Names what completes a leg without an event: what it changes must not be kept elsewhere.
    public init(
        of leg: Leg<some Sendable, some SagaEvent, some FailureEvent, some SagaEvent>,
        on trigger: Input.Type
    ) {
        self.init(of: leg, on: trigger, emits: NoEvent.self)
    }
}

/// A leg that the route has no more, while sagas may run that began with it.
///
/// Nothing starts it; but those sagas wait for it when they are cancelled. Its participant goes
/// on with the route of before until the last of them has ended.
public struct FormerLeg<Failure: FailureEvent, Undone: UndoneEvent>: Sendable {
    package let content: RouteFormerLeg

    /// Names a leg of before, as it was named then.
    public init(
        _ step: String, by participant: String, orElse failure: Failure.Type, undone: Undone.Type
    ) {
        content = RouteFormerLeg(
            step: step, participant: participant,
            answers: [EventKind(undone), EventKind(failure)])
    }
}
