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
    }

    let redis: RedisClient
    let service: String
    let names: SagaKeys
    private let keys: ServiceKeys
    private let source: String
    private let scripts: TransitionScripts
    private let metrics: SagaMetrics
    private let queue: TransitionQueue

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
        next: String, note: String = ""
    ) -> TransitionRequest {
        let events = events(of: planned, origin: origin)
        let entry = LedgerEntry(
            state: next, eventID: events.first?.id ?? origin.causationID ?? UUIDv7.next(),
            note: note)
        let mark = TransitionRequest.Mark(
            sagaID: origin.sagaID, field: field, expected: expected, next: entry)
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
    func apply(_ request: TransitionRequest) async throws(SagaError) -> TransitionRequest.Answer {
        let reply: RedisValue
        do {
            reply = try await queue.run(request)
        } catch {
            metrics.transition(.failed)
            throw error
        }
        let answer = try request.answer(reply)
        switch answer {
        case .applied:
            metrics.transition(.applied)
            for type in request.emitted { metrics.event(type, .emitted) }
        case .refused: metrics.transition(.refused)
        case .rejected: metrics.transition(.rejected)
        }
        return answer
    }

    /// What the ledger holds for a step; nothing if it never ran.
    func ledger(_ sagaID: String, field: String) async throws(SagaError) -> LedgerEntry? {
        try await redis.read(
            RedisCommand(
                "HGET", [.string(keys.ledger(sagaID)), .string(field)],
                isReadOnly: true)
        ).string.map { LedgerEntry($0) }
    }

    private func events(of planned: PlannedTransition, origin: Origin) -> [CloudEvent] {
        planned.events.map { event in
            CloudEvent(
                source: source, type: event.type, subject: origin.sagaID,
                causationID: origin.causationID, traceparent: origin.traceparent,
                coordination: origin.isSaga ? "choreography" : nil, dataVersion: event.version,
                data: event.payload)
        }
    }
}
