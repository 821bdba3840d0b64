import Metrics
import NIOCore
import Synchronization

/// What the client counts; one object for a client, shared by its connections.
///
/// Every command is counted, in a local variable first; one in sixteen is timed. So the cost
/// per command is a few nanoseconds when many are under way.
final class RedisMetrics: Sendable {
    private struct Series {
        let count: Counter
        let duration: Timer
        private var pending = 0
        private var untilTimed = 0

        init(count: Counter, duration: Timer) {
            self.count = count
            self.duration = duration
        }

        mutating func note(_ call: PendingCall) {
            pending += call.replies
            untilTimed -= 1
            guard untilTimed < 0 else { return }
            untilTimed = RedisMetrics.timedEvery - 1
            duration.recordNanoseconds((NIODeadline.now() - call.sentAt).nanoseconds)
        }

        mutating func flush() {
            guard pending > 0 else { return }
            count.increment(by: pending)
            pending = 0
        }
    }

    /// Names come from code, not from users; the limit only guards against a mistake.
    private static let namesMaximum = 200
    private static let timedEvery = 16

    /// Of all clients of the process, as a gauge knows no clients.
    private static let open = Mutex(0)

    private let factory: any MetricsFactory
    private let series = Mutex<[String: Series]>([:])
    private let connections: Gauge
    private let reconnects: Counter

    init(factory: any MetricsFactory = MetricsSystem.factory) {
        self.factory = factory
        connections = Gauge(label: "redis_connections", dimensions: [], factory: factory)
        reconnects = Counter(label: "redis_reconnects_total", factory: factory)
    }

    func connected() { change(1) }
    func disconnected() { change(-1) }
    func reconnecting() { reconnects.increment() }

    private func change(_ difference: Int) {
        let now = Self.open.withLock { open in
            open += difference
            return open
        }
        connections.record(now)
    }

    /// Notes a call that got its last reply.
    func answered(_ call: PendingCall) {
        series.withLock { series in
            var name = call.name
            if series.count >= Self.namesMaximum, series[name] == nil { name = "other" }
            series[name, default: makeSeries(name)].note(call)
        }
    }

    /// Passes on what was counted since the last time.
    func flush() {
        series.withLock { series in
            // Indices that are gone through in a loop would keep, and so copy, all of it.
            var index = series.values.startIndex
            while index != series.values.endIndex {
                series.values[index].flush()
                series.values.formIndex(after: &index)
            }
        }
    }

    private func makeSeries(_ name: String) -> Series {
        let dimensions = [("command", name.lowercased())]
        return Series(
            count: Counter(
                label: "redis_commands_total", dimensions: dimensions, factory: factory),
            duration: Timer(
                label: "redis_command_duration_seconds", dimensions: dimensions,
                preferredDisplayUnit: .seconds, factory: factory))
    }
}
