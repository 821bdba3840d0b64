public import CoreMetrics

/// Lets swift-metrics write into a ``PrometheusRegistry``.
///
///     let registry = PrometheusRegistry()
///     MetricsSystem.bootstrap(PrometheusMetricsFactory(registry))
///
/// Counters end in `_total`, timers are histograms in seconds and end in `_seconds`, recorders
/// are histograms, gauges and meters are gauges. The same label and dimensions give the same
/// series, so instruments may be made anew, although making them once is cheaper.
public struct PrometheusMetricsFactory: MetricsFactory {
    private let registry: PrometheusRegistry

    /// A factory for that registry.
    public init(_ registry: PrometheusRegistry) {
        self.registry = registry
    }

    /// A counter of whole increments.
    public func makeCounter(
        label: String, dimensions: [(String, String)]
    ) -> any CounterHandler {
        counter(label, dimensions)
    }

    /// A counter of fractional increments.
    public func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        counter(label, dimensions)
    }

    /// A gauge that can be set, raised and lowered.
    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        gauge(label, dimensions)
    }

    /// A histogram, or a gauge if the recorder does not aggregate.
    public func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        guard aggregate else { return gauge(label, dimensions) }
        let name = MetricName.sanitized(label)
        return registry.series(named: name, kind: .histogram, dimensions: dimensions) {
            PrometheusHistogram(bounds: registry.bounds(for: name))
        }
    }

    /// A histogram of seconds.
    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        let name = MetricName.timer(label)
        return registry.series(named: name, kind: .histogram, dimensions: dimensions) {
            PrometheusDurations(bounds: registry.bounds(for: name))
        }
    }

    /// Drops the counter's series.
    public func destroyCounter(_ handler: any CounterHandler) { registry.remove(handler) }

    /// Drops the counter's series.
    public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {
        registry.remove(handler)
    }

    /// Drops the gauge's series.
    public func destroyMeter(_ handler: any MeterHandler) { registry.remove(handler) }

    /// Drops the recorder's series.
    public func destroyRecorder(_ handler: any RecorderHandler) { registry.remove(handler) }

    /// Drops the timer's series.
    public func destroyTimer(_ handler: any TimerHandler) { registry.remove(handler) }

    private func counter(
        _ label: String, _ dimensions: [(String, String)]
    ) -> PrometheusCounter {
        registry.series(
            named: MetricName.counter(label), kind: .counter, dimensions: dimensions
        ) { PrometheusCounter() }
    }

    private func gauge(_ label: String, _ dimensions: [(String, String)]) -> PrometheusGauge {
        registry.series(
            named: MetricName.sanitized(label), kind: .gauge, dimensions: dimensions
        ) { PrometheusGauge() }
    }
}
