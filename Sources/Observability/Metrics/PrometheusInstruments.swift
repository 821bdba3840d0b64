import CoreMetrics
import Synchronization

/// One time series that can write itself in the text format.
protocol PrometheusSeries: AnyObject, Sendable {
    func write(name: String, labels: String, into text: inout PrometheusText)
}

/// A sum that only grows.
///
/// Whole and fractional increments are kept apart, so that the usual
/// increment is one atomic addition.
final class PrometheusCounter: CounterHandler, FloatingPointCounterHandler, PrometheusSeries {
    private let whole = Atomic<Int64>(0)
    private let fractional = AtomicDouble()

    func increment(by amount: Int64) {
        guard amount > 0 else { return }
        whole.wrappingAdd(amount, ordering: .relaxed)
    }

    func increment(by amount: Double) {
        guard amount > 0, amount.isFinite else { return }
        fractional.add(amount)
    }

    func reset() {
        whole.store(0, ordering: .relaxed)
        fractional.store(0)
    }

    func write(name: String, labels: String, into text: inout PrometheusText) {
        let count = whole.load(ordering: .relaxed)
        let rest = fractional.load()
        if rest == 0 {
            text.sample(name, labels: labels, value: count)
        } else {
            text.sample(name, labels: labels, value: Double(count) + rest)
        }
    }
}

/// A value that goes up and down: gauges, meters and recorders that do not aggregate.
final class PrometheusGauge: RecorderHandler, MeterHandler, PrometheusSeries {
    private let value = AtomicDouble()

    func record(_ value: Int64) { self.value.store(Double(value)) }
    func record(_ value: Double) { self.value.store(value) }
    func set(_ value: Int64) { self.value.store(Double(value)) }
    func set(_ value: Double) { self.value.store(value) }
    func increment(by amount: Double) { value.add(amount) }
    func decrement(by amount: Double) { value.add(-amount) }

    func write(name: String, labels: String, into text: inout PrometheusText) {
        text.sample(name, labels: labels, value: value.load())
    }
}

/// A value that is asked for when somebody looks.
final class PrometheusReading: PrometheusSeries {
    private let read: @Sendable () -> Double?

    init(read: @escaping @Sendable () -> Double?) {
        self.read = read
    }

    func write(name: String, labels: String, into text: inout PrometheusText) {
        guard let value = read() else { return }
        text.sample(name, labels: labels, value: value)
    }
}

/// Durations in seconds.
///
/// Observations cost two atomic additions and no lock.
final class PrometheusDurations: TimerHandler, PrometheusSeries {
    private let bounds: [Double]
    private let boundsInNanoseconds: [Int64]
    private let counts: AtomicCounts
    private let sum = Atomic<Int64>(0)

    /// Upper bounds in seconds, ascending, without the infinite one.
    init(bounds: [Double]) {
        self.bounds = bounds
        self.boundsInNanoseconds = bounds.map { Int64($0 * 1_000_000_000) }
        self.counts = AtomicCounts(bounds.count + 1)
    }

    func recordNanoseconds(_ duration: Int64) {
        let duration = max(0, duration)
        var index = 0
        while index < boundsInNanoseconds.count, duration > boundsInNanoseconds[index] {
            index += 1
        }
        counts.increment(index)
        sum.wrappingAdd(duration, ordering: .relaxed)
    }

    func write(name: String, labels: String, into text: inout PrometheusText) {
        text.histogram(
            name, labels: labels, bounds: bounds, counts: counts.values(),
            sum: Double(sum.load(ordering: .relaxed)) / 1_000_000_000)
    }
}

/// Values of any unit, counted in buckets.
final class PrometheusHistogram: RecorderHandler, PrometheusSeries {
    private let bounds: [Double]
    private let counts: AtomicCounts
    private let sum = AtomicDouble()

    /// Upper bounds, ascending, without the infinite one.
    init(bounds: [Double]) {
        self.bounds = bounds
        self.counts = AtomicCounts(bounds.count + 1)
    }

    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
        guard !value.isNaN else { return }
        counts.increment(bounds.firstIndex { value <= $0 } ?? bounds.count)
        sum.add(value)
    }

    func write(name: String, labels: String, into text: inout PrometheusText) {
        text.histogram(
            name, labels: labels, bounds: bounds, counts: counts.values(), sum: sum.load())
    }
}

// MARK: - Atomic storage

/// A `Double` kept as its bit pattern.
final class AtomicDouble: Sendable {
    private let bits = Atomic<UInt64>(0)

    func load() -> Double { Double(bitPattern: bits.load(ordering: .relaxed)) }

    func store(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }

    func add(_ amount: Double) {
        var current = bits.load(ordering: .relaxed)
        while true {
            let sum = Double(bitPattern: current) + amount
            let (exchanged, original) = bits.weakCompareExchange(
                expected: current, desired: sum.bitPattern, ordering: .relaxed)
            if exchanged { return }
            current = original
        }
    }
}

/// A fixed row of counters.
final class AtomicCounts: Sendable {
    // Set once here, freed once in deinit, and only reached through atomic operations.
    private nonisolated(unsafe) let storage: UnsafeMutableBufferPointer<Atomic<Int64>>

    init(_ count: Int) {
        storage = .allocate(capacity: count)
        for index in 0..<count {
            storage.initializeElement(at: index, to: Atomic<Int64>(0))
        }
    }

    deinit {
        storage.deinitialize()
        storage.deallocate()
    }

    func increment(_ index: Int) {
        storage[index].wrappingAdd(1, ordering: .relaxed)
    }

    func values() -> [Int64] {
        storage.indices.map { storage[$0].load(ordering: .relaxed) }
    }
}
