import Metrics
import Synchronization

/// The instruments of one route, each made when it is first needed and then found by position.
///
/// A route that has been answered with 200 and 404 has two series of requests, not one for each
/// status that it might ever have. What can be made is bounded: methods times statuses.
struct RouteMetrics: Sendable {
    private static let statuses = [
        200, 201, 202, 204, 304, 400, 401, 403, 404, 405, 408, 409, 413, 414, 415, 422, 429, 431,
        499, 500, 501, 502, 503, 504,
    ]
    /// The known statuses, and behind them one series for each class of others.
    private static let statusCount = statuses.count + 5
    private static let outcomes = ["hit", "hit_redis", "collapsed", "miss", "bypass"]

    /// An instrument that comes to be when it is used.
    private final class Late<Instrument: AnyObject & Sendable>: Sendable {
        private let made = AtomicLazyReference<Instrument>()

        func used(_ make: () -> Instrument) -> Instrument {
            // Of two at once one is kept; both are of the same series.
            made.load() ?? made.storeIfNil(make())
        }
    }

    private let route: String
    /// By position of the method, then of the status.
    private let requests: [Late<Counter>]
    private let caches: [Late<Counter>]
    private let duration = Late<Timer>()

    init(route: String) {
        self.route = route
        requests = RequestMethod.allCases.flatMap { _ in
            (0..<Self.statusCount).map { _ in Late() }
        }
        caches = Self.outcomes.map { _ in Late() }
    }

    func count(_ method: RequestMethod, status: Int, cache: CacheStatus?, nanoseconds: Int64) {
        let position = Self.position(of: status)
        requests[Self.position(of: method) * Self.statusCount + position].used {
            Counter(
                label: "gateway_requests_total",
                dimensions: [
                    ("route", route), ("method", method.rawValue),
                    ("status", Self.name(ofStatusAt: position)),
                ])
        }.increment()
        duration.used {
            Timer(
                label: "gateway_request_duration_seconds", dimensions: [("route", route)],
                preferredDisplayUnit: .seconds)
        }.recordNanoseconds(nanoseconds)
        guard let cache else { return }
        let outcome = Self.position(of: cache)
        caches[outcome].used {
            Counter(
                label: "gateway_cache_total",
                dimensions: [("route", route), ("outcome", Self.outcomes[outcome])])
        }.increment()
    }

    private static func position(of method: RequestMethod) -> Int {
        switch method {
        case .get: 0
        case .head: 1
        case .post: 2
        case .put: 3
        case .patch: 4
        case .delete: 5
        case .options: 6
        }
    }

    private static func position(of status: Int) -> Int {
        statuses.firstIndex(of: status) ?? statuses.count + min(max(status / 100, 1), 5) - 1
    }

    private static func name(ofStatusAt position: Int) -> String {
        position < statuses.count
            ? String(statuses[position]) : "\(position - statuses.count + 1)xx"
    }

    private static func position(of status: CacheStatus) -> Int {
        if status.forwarded == nil && status.detail == nil && !status.isCollapsed { return 0 }
        return outcomes.firstIndex(of: status.outcome) ?? outcomes.count - 1
    }
}
