import Metrics
import Synchronization

/// What a runtime counts.
///
/// Meters are made once, as making one costs more than counting.
final class SagaMetrics: Sendable {
    enum Direction: String {
        case consumed, emitted
        /// Of a route in which the participant has no part.
        case passedOver = "passed_over"
    }

    enum TransitionResult: String, CaseIterable {
        case applied, refused, rejected, failed
        case halfApplied = "half_applied"
    }

    private struct Step: Hashable {
        var name: String
        var outcome: String
    }

    private struct Event: Hashable {
        var type: String
        var direction: Direction
    }

    private struct Meters {
        var events: [Event: Counter] = [:]
        var durations: [Step: Metrics.Timer] = [:]
        var lags: [String: Gauge] = [:]
    }

    private let service: String
    private let meters = Mutex(Meters())
    private let transitions: [TransitionResult: Counter]
    private let deadLetters: [DeadLetter.Reason: Counter]
    private let forgottenGroups: Gauge
    private let blocked: Counter
    private let blockedNow: [BlockedState: Gauge]
    /// Made by the first saga: most services begin none.
    private let openNow = Mutex<Gauge?>(nil)
    private let blockedOldest: Gauge
    private let overloadRefusals: Counter
    private let publishRefusals: Counter
    private let retries: Counter
    private let deafTotal: Counter
    private let deafNow: Gauge

    init(service: String) {
        self.service = service
        transitions = Dictionary(
            uniqueKeysWithValues: TransitionResult.allCases.map { result in
                let dimensions = [("service", service), ("result", result.rawValue)]
                return (result, Counter(label: "saga_transitions_total", dimensions: dimensions))
            })
        deadLetters = Dictionary(
            uniqueKeysWithValues: DeadLetter.Reason.allCases.map { reason in
                let dimensions = [("service", service), ("code", reason.rawValue)]
                return (reason, Counter(label: "saga_dead_letters_total", dimensions: dimensions))
            })
        forgottenGroups = Gauge(
            label: "saga_forgotten_groups", dimensions: [("service", service)])
        blocked = Counter(label: "saga_blocked_total", dimensions: [("service", service)])
        blockedNow = Dictionary(
            uniqueKeysWithValues: BlockedState.allCases.map { state in
                let dimensions = [("service", service), ("state", state.rawValue)]
                return (state, Gauge(label: "saga_blocked", dimensions: dimensions))
            })
        blockedOldest = Gauge(
            label: "saga_blocked_oldest_seconds", dimensions: [("service", service)])
        overloadRefusals = Counter(
            label: "saga_overload_refusals_total", dimensions: [("service", service)])
        publishRefusals = Counter(
            label: "saga_publish_refusals_total", dimensions: [("service", service)])
        retries = Counter(label: "saga_redis_retries_total", dimensions: [("service", service)])
        deafTotal = Counter(
            label: "saga_deaf_handlers_total", dimensions: [("service", service)])
        deafNow = Gauge(label: "saga_deaf_handlers", dimensions: [("service", service)])
    }

    func event(_ type: String, _ direction: Direction) {
        counter(of: type, direction).increment()
    }

    func counter(of type: String, _ direction: Direction) -> Counter {
        meters.withLock { meters in
            let key = Event(type: type, direction: direction)
            if let counter = meters.events[key] { return counter }
            let counter = Counter(
                label: "saga_events_total",
                dimensions: [
                    ("service", service), ("type", type), ("direction", direction.rawValue),
                ])
            meters.events[key] = counter
            return counter
        }
    }

    func step(_ step: String, outcome: String, took duration: Duration) {
        let (seconds, attoseconds) = duration.components
        meters.withLock { meters in
            let key = Step(name: step, outcome: outcome)
            if let timer = meters.durations[key] { return timer }
            let timer = Metrics.Timer(
                label: "saga_step_duration_seconds",
                dimensions: [("service", service), ("step", step), ("outcome", outcome)])
            meters.durations[key] = timer
            return timer
        }.recordNanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }

    func transition(_ result: TransitionResult) { transitions[result]?.increment() }

    func lag(_ entries: Int, of stream: String) {
        meters.withLock { meters in
            if let gauge = meters.lags[stream] { return gauge }
            let gauge = Gauge(
                label: "saga_stream_lag", dimensions: [("service", service), ("stream", stream)])
            meters.lags[stream] = gauge
            return gauge
        }.record(entries)
    }

    /// How many groups keep what is older than retention in the participant's own streams.
    func forgotten(_ groups: Int) { forgottenGroups.record(groups) }

    func deadLetter(_ reason: DeadLetter.Reason) { deadLetters[reason]?.increment() }

    func sagaBlocked() { blocked.increment() }

    /// How many sagas are blocked now, and since when.
    func blocked(_ look: DueDebts) {
        for (state, gauge) in blockedNow { gauge.record(look.blocked(state)) }
        blockedOldest.record(look.oldest.map { Double(max(0, look.now - $0)) / 1000 } ?? 0)
    }

    /// How many sagas the service has begun that have not ended, and have a timer.
    func open(_ sagas: Int) {
        let gauge = openNow.withLock { gauge in
            if gauge == nil, sagas > 0 {
                gauge = Gauge(label: "saga_open", dimensions: [("service", service)])
            }
            return gauge
        }
        gauge?.record(sagas)
    }

    /// Whether a company may be called, and how many calls of it wait for their moment.
    func gauges(of company: String) -> (breaker: Gauge, waiting: Gauge) {
        let dimensions = [("service", service), ("company", company)]
        return (
            Gauge(label: "saga_company_breaker", dimensions: dimensions),
            Gauge(label: "saga_company_waiting", dimensions: dimensions)
        )
    }

    /// How much stands outside that a person has to look at.
    func unclaimed(_ count: Int, of step: String) {
        Gauge(label: "saga_unclaimed", dimensions: [("service", service), ("step", step)])
            .record(count)
    }

    /// Whether a person has it read nothing.
    func paused(_ isPaused: Bool) {
        Gauge(label: "saga_paused", dimensions: [("service", service)]).record(isPaused ? 1 : 0)
    }

    /// How long ago a company's books were last compared with the ledgers.
    func reconciliationAge(_ age: Duration, of step: String) {
        Gauge(
            label: "saga_reconciliation_age_seconds",
            dimensions: [("service", service), ("step", step)]
        ).record(age / .seconds(1))
    }

    func reconciled(_ verdict: ReconciliationMachine.Verdict) {
        Counter(
            label: "saga_reconciled_total",
            dimensions: [("service", service), ("outcome", "\(verdict)")]
        ).increment()
    }

    /// Somebody was told not to begin a saga, as it could not meet its deadline.
    func overloadRefused() { overloadRefusals.increment() }

    /// An event was stored, but its message could not go out.
    func publishRefused() { publishRefusals.increment() }

    /// Handlers go on although they were cancelled long ago.
    func deaf(_ deaf: Dispatcher.Deaf) {
        if !deaf.new.isEmpty { deafTotal.increment(by: deaf.new.count) }
        deafNow.record(deaf.lanes.count)
    }

    /// Our own Redis failed a call, which is made again.
    func redisRetried() { retries.increment() }
}
