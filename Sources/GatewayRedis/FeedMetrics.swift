import CloudEvents
import Metrics
import Timekeeping

/// What the feed counts.
struct FeedMetrics: Sendable {
    private let invalidations: [String: Counter]
    private let delay = Timer(label: "gateway_invalidation_delay_seconds")
    /// Own writes of other gateways.
    let announced = Counter(
        label: "gateway_invalidations_total", dimensions: [("event", "announcement")])
    /// Messages that are neither events nor announcements.
    let unreadable = Counter(label: "gateway_invalidations_unreadable_total")

    init(events: [String]) {
        invalidations = Dictionary(
            events.map {
                ($0, Counter(label: "gateway_invalidations_total", dimensions: [("event", $0)]))
            }, uniquingKeysWith: { first, _ in first })
    }

    /// An event that came on its channel was taken just now.
    func took(_ event: CloudEvent) {
        invalidations[event.type]?.increment()
        delay.recordMilliseconds(max(0, SystemTime.milliseconds() - event.time))
    }
}
