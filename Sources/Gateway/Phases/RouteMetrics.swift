import Metrics

/// The counters of one route, made once at the start: nothing is looked up by name later.
struct RouteMetrics: Sendable {
    private static let statuses = [
        200, 201, 202, 204, 304, 400, 401, 403, 404, 405, 408, 409, 413, 414, 415, 422, 429, 499,
        500, 501, 502, 503, 504,
    ]
    private static let outcomes = ["hit", "hit_redis", "collapsed", "miss", "bypass"]

    /// By method and position of the status; behind the known ones one for each class.
    private let requests: [RequestMethod: [Counter]]
    private let caches: [Counter]
    private let duration: Timer

    init(route: String, methods: [RequestMethod]) {
        let names = Self.statuses.map(String.init) + (1...5).map { "\($0)xx" }
        requests = Dictionary(
            uniqueKeysWithValues: Set(methods).map { method in
                (
                    method,
                    names.map { status in
                        Counter(
                            label: "gateway_requests_total",
                            dimensions: [
                                ("route", route), ("method", method.rawValue), ("status", status),
                            ])
                    }
                )
            })
        caches = Self.outcomes.map {
            Counter(
                label: "gateway_cache_total", dimensions: [("route", route), ("outcome", $0)])
        }
        duration = Timer(
            label: "gateway_request_duration_seconds", dimensions: [("route", route)],
            preferredDisplayUnit: .seconds)
    }

    func count(_ method: RequestMethod, status: Int, cache: CacheStatus?, nanoseconds: Int64) {
        let known = Self.statuses.firstIndex(of: status)
        let position = known ?? Self.statuses.count + min(max(status / 100, 1), 5) - 1
        requests[method]?[position].increment()
        duration.recordNanoseconds(nanoseconds)
        guard let cache else { return }
        caches[Self.position(of: cache)].increment()
    }

    private static func position(of status: CacheStatus) -> Int {
        if status.forwarded == nil && status.detail == nil && !status.isCollapsed { return 0 }
        return outcomes.firstIndex(of: status.outcome) ?? outcomes.count - 1
    }
}
