import Metrics
import Synchronization

/// What a runtime counts.
///
/// Meters are made once, as making one costs more than counting.
final class SagaMetrics: Sendable {
    enum Direction: String { case consumed, emitted }

    private struct Meters {
        var events: [String: Counter] = [:]
        var durations: [String: Metrics.Timer] = [:]
        var transitions: [String: Counter] = [:]
        var lags: [String: Gauge] = [:]
    }

    private let service: String
    private let meters = Mutex(Meters())
    private let deadLetters: Counter
    private let blocked: Counter

    init(service: String) {
        self.service = service
        deadLetters = Counter(label: "saga_dead_letters_total", dimensions: [("service", service)])
        blocked = Counter(label: "saga_blocked_total", dimensions: [("service", service)])
    }

    func event(_ type: String, _ direction: Direction) {
        meters.withLock { meters in
            if let counter = meters.events[type] { return counter }
            let counter = Counter(
                label: "saga_events_total",
                dimensions: [
                    ("service", service), ("type", type), ("direction", direction.rawValue),
                ])
            meters.events[type] = counter
            return counter
        }.increment()
    }

    func step(_ step: String, outcome: String, took duration: Duration) {
        let (seconds, attoseconds) = duration.components
        meters.withLock { meters in
            let key = "\(step) \(outcome)"
            if let timer = meters.durations[key] { return timer }
            let timer = Metrics.Timer(
                label: "saga_step_duration_seconds",
                dimensions: [("service", service), ("step", step), ("outcome", outcome)])
            meters.durations[key] = timer
            return timer
        }.recordNanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }

    func transition(_ result: String) {
        meters.withLock { meters in
            if let counter = meters.transitions[result] { return counter }
            let counter = Counter(
                label: "saga_transitions_total",
                dimensions: [("service", service), ("result", result)])
            meters.transitions[result] = counter
            return counter
        }.increment()
    }

    func lag(_ entries: Int, of stream: String) {
        meters.withLock { meters in
            if let gauge = meters.lags[stream] { return gauge }
            let gauge = Gauge(
                label: "saga_stream_lag", dimensions: [("service", service), ("stream", stream)])
            meters.lags[stream] = gauge
            return gauge
        }.record(entries)
    }

    func deadLetter() { deadLetters.increment() }

    func sagaBlocked() { blocked.increment() }
}
