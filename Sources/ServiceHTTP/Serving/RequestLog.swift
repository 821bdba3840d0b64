import HTTPTypes
import Hummingbird
import Logging
import Metrics
import Synchronization
import Timekeeping

/// Writes the log line and the metrics of each request.
///
/// The route's template is the label, never the path, so the number of series stays small.
final class RequestLog: Sendable {
    private struct Key: Hashable {
        var method: String
        var route: String
        var status: Int
    }

    private let service: String
    private let timers = Mutex<[Key: Timer]>([:])

    init(service: String) {
        self.service = service
    }

    func record(
        _ request: Request, _ response: Response, route: String?, took: Duration, logger: Logger
    ) {
        let route = route ?? "none"
        timer(method: request.method, route: route, status: response.status.code)
            .recordNanoseconds(took.nanoseconds)
        logger.info(
            "request answered",
            metadata: [
                "service": "\(service)",
                "method": "\(request.method.rawValue.prefix(32))",
                "path": "\(request.uri.path.prefix(256))",
                "route": "\(route)",
                "status": .stringConvertible(response.status.code),
                "duration_us": .stringConvertible(Int(took.nanoseconds / 1000)),
            ])
    }

    private func timer(method: HTTPRequest.Method, route: String, status: Int) -> Timer {
        let known: [HTTPRequest.Method] = [.get, .head, .post, .put, .patch, .delete, .options]
        let key = Key(
            method: known.contains(method) ? method.rawValue : "other", route: route, status: status
        )
        return timers.withLock { timers in
            if let timer = timers[key] { return timer }
            let timer = Timer(
                label: "http_server_request_duration_seconds",
                dimensions: [
                    ("service", service), ("method", key.method), ("route", route),
                    ("status", String(status)),
                ])
            timers[key] = timer
            return timer
        }
    }
}
