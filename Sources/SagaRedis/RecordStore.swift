public import Redis
public import Saga

/// A service's own records, and its local transactions outside any saga.
///
/// Everything goes through the same script as a saga's transitions: conditions first, then
/// writes and events, all or nothing.
public struct RecordStore: Sendable {
    /// Reads the service's records.
    public let reader: any RecordReader
    let transitions: TransitionWriter

    /// The records of a service.
    ///
    /// - Parameters:
    ///   - service: the service's name, the hash tag of its keys.
    ///   - namespace: as in the runtime's configuration.
    public init(service: String, redis: RedisClient, namespace: String = "") {
        let names = SagaKeys(namespace: namespace)
        self.init(
            TransitionWriter(
                redis: redis, service: service, names: names, ledgerTimeToLive: .seconds(1),
                metrics: SagaMetrics(service: service)))
    }

    init(_ transitions: TransitionWriter) {
        self.transitions = transitions
        reader = RedisRecordReader(
            redis: transitions.redis, keys: transitions.names, service: transitions.service)
    }

    /// Applies changes, or nothing of them.
    ///
    /// - Throws: `outcomeUnknown` if Redis was lost under way, when they may have been applied.
    public func transition(_ changes: Changes) async throws(SagaError) -> TransitionOutcome {
        try await apply(PlannedTransition(changes: changes), subject: "", traceparent: nil)
    }

    /// Applies changes and publishes their event, or does nothing.
    ///
    /// - Parameter subject: what the event is about, as an entity's ID.
    /// - Throws: `outcomeUnknown` if Redis was lost under way, when they may have been applied.
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
        switch try await transitions.apply(transitions.request(planned, origin: origin)) {
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
