import Synchronization

/// Holds every metric of the process and writes them as Prometheus text.
///
/// Instruments are found once, under a lock, and then used without one. Each metric keeps a
/// limited number of series; what comes on top is counted together in one series whose label
/// values are `_overflow`, so that a mistake in a label cannot fill the memory.
public final class PrometheusRegistry: Sendable {
    /// Limits and bucket bounds.
    public struct Configuration: Sendable {
        /// Series kept per metric before the rest is summed up.
        ///
        /// Each costs about 300 bytes.
        public var seriesPerMetricMaximum = 10_000
        /// Upper bounds for durations, in seconds, ascending.
        public var secondsBuckets: [Double] = [
            0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
            2.5, 5, 10, 30,
        ]
        /// Upper bounds for recorders without bounds of their own, ascending.
        public var valueBuckets: [Double] = [
            1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000,
        ]
        /// Upper bounds for recorders whose name ends in `_bytes`, ascending.
        public var bytesBuckets: [Double] = [
            64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304,
        ]
        /// Bounds for single metrics, by their exposed name.
        ///
        /// They win over all others.
        public var buckets: [String: [Double]] = [:]

        /// The defaults above.
        public init() {}
    }

    /// The content type that goes with ``text()``.
    public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    enum Kind: String {
        case counter
        case gauge
        case histogram
    }

    private struct Family {
        var kind: Kind
        var help: String?
        var series: [String: any PrometheusSeries] = [:]
    }

    private struct State {
        var families: [String: Family] = [:]
        var help: [String: String] = [:]
        var refused: Int64 = 0
    }

    private let configuration: Configuration
    private let state: Mutex<State>

    /// An empty registry.
    public init(configuration: Configuration = Configuration()) {
        self.configuration = configuration
        self.state = Mutex(State())
    }

    /// Gives a metric its explanation, by its exposed name.
    ///
    /// Works before and after its first use.
    public func describe(_ name: String, _ help: String) {
        state.withLock { state in
            state.help[name] = help
            state.families[name]?.help = help
        }
    }

    /// Adds a gauge that is read at every look.
    ///
    /// Must answer at once; nil leaves the sample out.
    public func gauge(
        _ name: String, help: String, labels: [(String, String)] = [],
        read: @escaping @Sendable () -> Double?
    ) {
        reading(MetricName.sanitized(name), .gauge, help, labels, read)
    }

    /// Adds a counter that is read at every look, for sums that something else keeps.
    ///
    /// Must answer at once and never fall; nil leaves the sample out.
    public func counter(
        _ name: String, help: String, labels: [(String, String)] = [],
        read: @escaping @Sendable () -> Double?
    ) {
        reading(MetricName.counter(name), .counter, help, labels, read)
    }

    private func reading(
        _ name: String, _ kind: Kind, _ help: String, _ labels: [(String, String)],
        _ read: @escaping @Sendable () -> Double?
    ) {
        describe(name, help)
        _ = series(named: name, kind: kind, dimensions: labels) { PrometheusReading(read: read) }
    }

    /// Every metric in the text format, sorted by name and labels.
    public func text() -> [UInt8] {
        let (families, refused) = state.withLock { ($0.families, $0.refused) }
        var text = PrometheusText()
        for (name, family) in families.sorted(by: { $0.key < $1.key }) {
            text.family(name, type: family.kind.rawValue, help: family.help)
            for (labels, series) in family.series.sorted(by: { $0.key < $1.key }) {
                series.write(name: name, labels: labels, into: &text)
            }
        }
        let own = "metrics_series_refused_total"
        text.family(own, type: "counter", help: "Series over a metric's limit or of another type.")
        text.sample(own, labels: "", value: refused)
        return text.bytes
    }

    // MARK: - For the factory

    /// The series with that name and those labels, made on first use.
    ///
    /// A name that is already in
    /// use for another type gets a series that works but is never shown.
    func series<Series: PrometheusSeries>(
        named name: String, kind: Kind, dimensions: [(String, String)], make: () -> Series
    ) -> Series {
        let labels = MetricName.labels(dimensions)
        return state.withLock { state in
            var family = state.families[name] ?? Family(kind: kind, help: state.help[name])
            if let known = family.series[labels] as? Series { return known }
            guard family.kind == kind, family.series[labels] == nil else {
                state.refused += 1
                return make()
            }
            let isFull = family.series.count >= configuration.seriesPerMetricMaximum
            let key = isFull ? MetricName.overflowLabels(dimensions) : labels
            if isFull {
                state.refused += 1
                if let overflow = family.series[key] as? Series { return overflow }
            }
            let made = make()
            family.series[key] = made
            state.families[name] = family
            return made
        }
    }

    func remove(_ handler: AnyObject) {
        state.withLock { state in
            for (name, family) in state.families {
                for (labels, series) in family.series where series === handler {
                    state.families[name]?.series[labels] = nil
                }
                if state.families[name]?.series.isEmpty == true { state.families[name] = nil }
            }
        }
    }

    func bounds(for name: String) -> [Double] {
        if let own = configuration.buckets[name] { return own }
        if name.hasSuffix("_seconds") { return configuration.secondsBuckets }
        if name.hasSuffix("_bytes") { return configuration.bytesBuckets }
        return configuration.valueBuckets
    }
}
