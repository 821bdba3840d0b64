/// A service's own records, and its local transactions outside any saga.
///
/// Everything goes through the same script as a saga's transitions: conditions first, then
/// writes and events, all or nothing.
public struct RecordStore: Sendable {
    /// Reads the service's records.
    public let reader: any RecordReader
    let transitions: TransitionWriter

    /// The records of a service, in a store of its own.
    package init(
        service: String, store: any SagaStore, clock: any SagaClock = SystemSagaClock(),
        chance: any SagaChance = SystemSagaChance()
    ) {
        self.init(
            TransitionWriter(
                service: service, store: store, clock: clock, chance: chance,
                metrics: SagaMetrics(service: service)))
    }

    init(_ transitions: TransitionWriter) {
        self.transitions = transitions
        reader = transitions.store.records
    }

    /// Applies all of the changes or none of them, and publishes nothing.
    ///
    /// What is changed so must not be kept by anybody else: a gateway's cache would go on with
    /// what was. Where that may be, apply a transition with its event.
    ///
    /// - Throws: `outcomeUnknown` if the store was lost under way, when they may have been applied.
    public func transition(_ changes: Changes) async throws(SagaError) -> TransitionOutcome {
        try await apply(PlannedTransition(changes: changes), subject: "", traceparent: nil)
    }

    /// Applies changes and publishes their event, or does nothing.
    ///
    /// - Parameter subject: what the event is about, as an entity's ID.
    /// - Throws: `outcomeUnknown` if the store was lost under way, when they may have been applied.
    public func transition<Event: SagaEvent>(
        of subject: String, _ transition: Transition<Event>, traceparent: String? = nil
    ) async throws(SagaError) -> TransitionOutcome {
        try await apply(
            try Self.planned(transition), subject: subject, traceparent: traceparent)
    }

    private func apply(
        _ planned: PlannedTransition, subject: String, traceparent: String?
    ) async throws(SagaError) -> TransitionOutcome {
        let origin = TransitionWriter.Origin(
            sagaID: subject, causationID: nil, traceparent: traceparent, isSaga: false)
        switch try await transitions.apply(transitions.transition(planned, origin: origin)) {
        case .applied, .refused: return .applied
        case .rejected(let failure): return .rejected(failure)
        }
    }

    static func planned<Event: SagaEvent>(
        _ transition: Transition<Event>, _ kind: EventKind = EventKind(Event.self)
    ) throws(SagaError) -> PlannedTransition {
        do {
            return try PlannedTransition(transition, kind)
        } catch {
            throw SagaError(.undecodable, "the event cannot be written as JSON", cause: error)
        }
    }
}
