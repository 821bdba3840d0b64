import CloudEvents
import Redis
import Saga

/// Turns planned transitions into requests, and runs them.
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

    let redis: RedisClient
    let service: String
    let names: SagaKeys
    let keys: ServiceKeys
    private let source: String
    private let scripts: TransitionScripts
    private let metrics: SagaMetrics
    private let queue: TransitionQueue
    let health = RuntimeHealth()

    init(
        redis: RedisClient, service: String, names: SagaKeys, ledgerTimeToLive: Duration,
        metrics: SagaMetrics
    ) {
        self.redis = redis
        self.service = service
        self.names = names
        self.metrics = metrics
        queue = TransitionQueue(redis)
        keys = ServiceKeys(names, service: service)
        scripts = TransitionScripts(names: keys, ledgerTimeToLive: ledgerTimeToLive)
        source = "/\(service)"
    }

    func request(
        _ planned: PlannedTransition, origin: Origin, field: String, expected: String,
        next: String, note: String = "", form: KeyForm = .sagaAndStep
    ) -> TransitionRequest {
        let events = events(of: planned, origin: origin)
        let entry = LedgerEntry(
            state: next, eventID: events.first?.id ?? origin.causationID ?? UUIDv7.next(),
            note: note)
        let mark = TransitionRequest.Mark(
            sagaID: origin.sagaID, field: field, expected: expected, next: entry, form: form)
        return TransitionRequest(
            mark, changes: planned.changes, events: events, names: keys, scripts: scripts)
    }

    /// A transaction that belongs to no step of a saga.
    func request(_ planned: PlannedTransition, origin: Origin) -> TransitionRequest {
        TransitionRequest(
            nil, changes: planned.changes, events: events(of: planned, origin: origin),
            names: keys, scripts: scripts)
    }

    /// Runs the script once.
    ///
    /// After an `outcomeUnknown` a request with a ledger field can simply be applied again:
    /// the script answers what it did the first time.
    ///
    /// - Parameter epoch: the one in which was read what it follows from; nil if from nothing.
    func apply(
        _ request: TransitionRequest, in epoch: RedisEpoch? = nil
    ) async throws(SagaError) -> TransitionRequest.Answer {
        let answer: TransitionRequest.Answer
        do throws(SagaError) {
            if let fault = request.fault {
                throw SagaError(.unexpectedState, "the changes cannot be made: \(fault)")
            }
            let reply = try await queue.run(request, in: epoch)
            answer = try request.answer(reply)
            if !request.emitted.isEmpty { heardPublish(request, reply) }
        } catch {
            metrics.transition(error.code == .halfApplied ? .halfApplied : .failed)
            if error.code == .halfApplied { health.halfApplied(error) }
            throw error
        }
        switch answer {
        case .applied:
            metrics.transition(.applied)
            for type in request.emitted { metrics.event(type, .emitted) }
        case .refused: metrics.transition(.refused)
        case .rejected: metrics.transition(.rejected)
        }
        return answer
    }

    private func heardPublish(_ request: TransitionRequest, _ reply: RedisValue) {
        let refusal = reply.integer == 1 ? nil : TransitionRequest.silence(reply)
        if refusal != nil { metrics.publishRefused() }
        health.publish(request.emitted, refusal)
    }

    /// What the ledger holds for a step.
    ///
    /// A ledger of another type is nothing that the event could be blamed for.
    func ledger(_ sagaID: String, field: String) async throws(SagaError) -> LedgerLook {
        do {
            let reply = try await redis.read(
                LedgerLook.command(keys.ledger(sagaID), [field]))
            return try decoding { () throws(RedisError) in
                try LedgerLook(reply, steps: [field])
            }
        } catch {
            guard error.code == .unexpectedState else { throw error }
            throw SagaError(
                .unavailable, "the ledger cannot be read", retry: .later, cause: error)
        }
    }

    private func events(of planned: PlannedTransition, origin: Origin) -> [CloudEvent] {
        planned.events.map { event in
            CloudEvent(
                source: source, type: event.type, subject: origin.sagaID,
                causationID: origin.causationID, traceparent: origin.traceparent,
                coordination: origin.isSaga ? "choreography" : nil, route: origin.route,
                dataVersion: event.version, data: event.payload)
        }
    }
}
