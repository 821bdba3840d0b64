import Metrics
import NIOCore
import Synchronization
import Testing

@testable import TroupeRedis

@Suite(.timeLimit(.minutes(3)))
struct RedisMetricsTests {
    @Test func countsEveryCommandAndTimesSome() {
        let ledger = MetricsLedger()
        let metrics = RedisMetrics(factory: ledger)
        for _ in 0..<100 { metrics.answered(PendingCall(.get("k"), timeout: .seconds(1))) }
        metrics.answered(PendingCall(batch: [.get("a"), .get("b")], timeout: .seconds(1)))
        metrics.flush()
        metrics.flush()

        #expect(ledger.sums["redis_commands_total get"] == 100)
        #expect(ledger.sums["redis_commands_total batch"] == 2)
        let timed = ledger.records["redis_command_duration_seconds get"] ?? 0
        #expect(timed > 0 && timed < 20)
    }

    @Test func keepsTheNumberOfNamesBounded() {
        let ledger = MetricsLedger()
        let metrics = RedisMetrics(factory: ledger)
        for number in 0..<1000 {
            metrics.answered(PendingCall(RedisCommand("X\(number)", []), timeout: .seconds(1)))
        }
        metrics.flush()
        #expect(ledger.sums.count <= 201)
        #expect(ledger.sums["redis_commands_total other"] == 800)
    }

    @Test func countsReconnects() {
        let ledger = MetricsLedger()
        let metrics = RedisMetrics(factory: ledger)
        metrics.reconnecting()
        metrics.reconnecting()
        #expect(ledger.sums["redis_reconnects_total"] == 2)
    }
}

/// Keeps what was recorded.
private final class MetricsLedger: MetricsFactory {
    private struct Content {
        var sums: [String: Int] = [:]
        var records: [String: Int] = [:]
    }

    private final class Handler: CounterHandler, RecorderHandler, TimerHandler {
        let name: String
        let ledger: MetricsLedger

        init(_ name: String, _ ledger: MetricsLedger) {
            self.name = name
            self.ledger = ledger
        }

        func increment(by amount: Int64) {
            ledger.content.withLock { $0.sums[name, default: 0] += Int(amount) }
        }

        func reset() {}
        func record(_ value: Int64) { note() }
        func record(_ value: Double) { note() }
        func recordNanoseconds(_ duration: Int64) { note() }

        private func note() {
            ledger.content.withLock { $0.records[name, default: 0] += 1 }
        }
    }

    private let content = Mutex(Content())

    var sums: [String: Int] { content.withLock { $0.sums } }
    var records: [String: Int] { content.withLock { $0.records } }

    private func make(_ label: String, _ dimensions: [(String, String)]) -> Handler {
        Handler(([label] + dimensions.map(\.1)).joined(separator: " "), self)
    }

    func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        make(label, dimensions)
    }

    func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        make(label, dimensions)
    }

    func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        make(label, dimensions)
    }

    func destroyCounter(_ handler: any CounterHandler) {}
    func destroyRecorder(_ handler: any RecorderHandler) {}
    func destroyTimer(_ handler: any TimerHandler) {}
}
