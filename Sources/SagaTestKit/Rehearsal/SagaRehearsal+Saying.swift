import CloudEvents
public import Saga

/// What happens to the participants from outside.
extension SagaRehearsal {
    /// Begins a saga, as its owner does at a request; nothing is played.
    ///
    /// - Throws: `invalidDefinition` if no participant of the rehearsal begins sagas so.
    @discardableResult
    public func begin<Event: SagaEvent>(
        _ sagaID: String, _ event: Event, changes: Changes = Changes()
    ) async throws(SagaError) -> TransitionOutcome {
        guard let plan = plans.first(where: { $0.lifecycle?.begins.type == Event.type }) else {
            throw SagaError(
                .invalidDefinition,
                "no participant of the rehearsal begins sagas with \(Event.type): add the one that "
                    + "does, or say the event")
        }
        return try await runtime(plan).begin(sagaID, event, changes: changes)
    }

    /// Says an event as its owner would have said it; nothing is played.
    ///
    /// Said twice it comes twice, as two events: what a participant hears again from a stream it
    /// has dealt with already.
    ///
    /// - Parameter route: the saga's; the first on which somebody hears it if nil.
    /// - Throws: `invalidDefinition` if no participant of the rehearsal hears it.
    public func say<Event: SagaEvent>(
        _ event: Event, of sagaID: String, on route: Route? = nil
    ) async throws(SagaError) {
        let hearing = plans.flatMap(\.onEachRoute).first {
            $0.consumed[Event.type] != nil && (route == nil || $0.route == route?.name)
        }
        guard let plan = hearing else {
            throw SagaError(
                .invalidDefinition, "no participant of the rehearsal hears \(Event.type)")
        }
        let payload: [UInt8]
        do {
            payload = try EventPayload.encode(event)
        } catch {
            throw SagaError(.undecodable, "the event cannot be written as JSON", cause: error)
        }
        let said = CloudEvent(
            id: chance.eventID(), source: "/\(Event.owner)", type: Event.type, subject: sagaID,
            time: clock.wallMilliseconds, coordination: "choreography", route: plan.route,
            dataVersion: Event.version, data: payload)
        try server.change { data throws(SagaError) in data.append(said, owner: Event.owner) }
    }

    /// Says what a person has found out about a step that asks one, as `troupe saga resolve` does;
    /// nothing is played.
    ///
    /// - Parameter isDone: whether it acted and stands, or nothing of it does.
    /// - Throws: `invalidDefinition` if no participant of the rehearsal asks people about it.
    public func resolve(
        _ step: String, of sagaID: String, isDone: Bool, reason: String = "a person has looked"
    ) async throws(SagaError) {
        let plan = plans.first { plan in
            plan.steps.contains { $0.name == step && $0.unknown.policy == .park }
        }
        guard let plan else {
            throw SagaError(.invalidDefinition, "no participant asks a person about \(step)")
        }
        let word = ResolveStep(step: step, outcome: isDone ? .done : .undone, reason: reason)
        let payload: [UInt8]
        do {
            payload = try EventPayload.encode(word)
        } catch {
            throw SagaError(.undecodable, "the reason cannot be written as JSON", cause: error)
        }
        let request = CloudEvent(
            id: chance.eventID(), source: "/rehearsal", type: ResolveStep.type, subject: sagaID,
            time: clock.wallMilliseconds, data: payload)
        try server.change { data throws(SagaError) in
            data.append(
                request.json(), sagaID: sagaID,
                to: MemoryData.stream(EventKind(againOf: plan.name).type, owner: plan.name))
        }
    }

    /// Asks the owner of a saga to cancel it, as a client does; nothing is played.
    @discardableResult
    public func requestCancellation(
        of sagaID: String, reason: BusinessFailure = BusinessFailure("cancelled_by_client")
    ) async throws(SagaError) -> CancellationOutcome {
        guard let owner = owner(of: sagaID) else { return .unknown }
        return try await runtime(owner).requestCancellation(of: sagaID, reason: reason)
    }

    /// The participant that began a saga.
    func owner(of sagaID: String) -> ParticipantPlan? {
        let contents = server.contents
        return plans.first {
            $0.lifecycle != nil && contents.ledger($0.name, sagaID)[LifecycleState.field] != nil
        }
    }
}
