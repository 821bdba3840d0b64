import CloudEvents

/// Turns planned transitions into what a store applies, and has them applied.
final class TransitionWriter: Sendable {
    /// What the events of a transition have in common.
    struct Origin {
        var sagaID: String
        var causationID: String?
        var traceparent: String?
        var isSaga = true
        /// Nil for a saga that began before routes had names.
        var route: String?
    }

    let service: String
    let store: any SagaStore
    private let clock: any SagaClock
    private let chance: any SagaChance
    private let source: String
    private let metrics: SagaMetrics
    let health: RuntimeHealth

    init(
        service: String, store: any SagaStore, clock: any SagaClock, chance: any SagaChance,
        metrics: SagaMetrics, health: RuntimeHealth? = nil
    ) {
        self.service = service
        self.store = store
        self.clock = clock
        self.chance = chance
        self.metrics = metrics
        self.health = health ?? RuntimeHealth(clock: clock)
        source = "/\(service)"
    }

    func transition(
        _ planned: PlannedTransition, origin: Origin, field: String, expected: String,
        next: String, exactly text: String? = nil, note: String = "", form: KeyForm = .sagaAndStep,
        end: LedgerEnd? = nil,
        isLast: Bool = true
    ) -> StoreTransition {
        let events = events(of: planned, origin: origin)
        let entry = LedgerEntry(
            state: next, eventID: events.first?.id ?? origin.causationID ?? chance.eventID(),
            note: note)
        var mark = StoreTransition.Mark(
            sagaID: origin.sagaID, field: field, expected: expected, next: entry, form: form,
            end: end, isLast: isLast)
        mark.expectedText = text
        return StoreTransition(mark, changes: planned.changes, events: events)
    }

    /// A transaction that belongs to no step of a saga.
    ///
    /// - Parameters:
    ///   - id: the ID of its event, if that has one already.
    ///   - time: when what it tells about was made, if that is not now.
    func transition(
        _ planned: PlannedTransition, origin: Origin, id: String? = nil, at time: Int64? = nil
    ) -> StoreTransition {
        var events = events(of: planned, origin: origin)
        if let id, events.count == 1 { events[0].id = id }
        if let time, events.count == 1 { events[0].time = time }
        return StoreTransition(changes: planned.changes, events: events)
    }

    /// Has a transition applied, once; counts, and notes what keeps others from working.
    ///
    /// After an `outcomeUnknown` one with a mark can simply be applied again.
    ///
    /// - Parameter epoch: the one in which was read what it follows from; nil if from nothing.
    func apply(
        _ transition: StoreTransition, in epoch: StoreEpoch? = nil
    ) async throws(SagaError) -> TransitionAnswer {
        let answer: TransitionAnswer
        do throws(SagaError) {
            answer = try await store.apply(transition, in: epoch)
        } catch {
            metrics.transition(error.code == .halfApplied ? .halfApplied : .failed)
            if error.code == .halfApplied { health.halfApplied(error) }
            throw error
        }
        switch answer {
        case .applied(let silence):
            metrics.transition(.applied)
            for event in transition.events { metrics.event(event.type, .emitted) }
            if !transition.events.isEmpty { heard(transition, silence) }
        case .refused: metrics.transition(.refused)
        case .rejected: metrics.transition(.rejected)
        }
        return answer
    }

    private func heard(_ transition: StoreTransition, _ silence: String?) {
        if silence != nil { metrics.publishRefused() }
        health.publish(transition.events.lazy.map(\.type), silence)
    }

    /// What the ledger holds for a step.
    func ledger(_ sagaID: String, field: String) async throws(SagaError) -> LedgerLook {
        try await store.ledger(of: sagaID, fields: [field])
    }

    private func events(of planned: PlannedTransition, origin: Origin) -> [CloudEvent] {
        planned.events.map { event in
            CloudEvent(
                id: chance.eventID(), source: source, type: event.type, subject: origin.sagaID,
                time: clock.wallMilliseconds, causationID: origin.causationID,
                traceparent: origin.traceparent,
                coordination: origin.isSaga ? "choreography" : nil, route: origin.route,
                dataVersion: event.version, data: event.payload)
        }
    }
}
