import Hummingbird
import Logging
import Synchronization

/// Writes down what is not the client's fault.
///
/// An error of ours gets a line each time. What may pass by itself, as a Redis that is away, meets
/// every request while it lasts: of each cause the first gets a line, and then one line in ten
/// seconds says how often it came again. Every request's own line names its ID and status.
final class FailureLog: Sendable {
    private let service: String
    private let logger: Logger
    private let tally = Mutex(FailureTally())

    init(service: String, logger: Logger) {
        self.service = service
        self.logger = logger
    }

    /// A 503 that has no cause says all there is in its answer.
    func record(_ problem: Problem, of request: Request, _ context: ServiceContext) {
        guard problem.status.code >= 500, problem.cause != nil || !problem.retry else { return }
        let cause = problem.cause.map { String(reflecting: $0) } ?? problem.detail
        if problem.retry {
            let now = ContinuousClock.now
            let (due, isNew) = tally.withLock { ($0.due(at: now), $0.isNew(cause, at: now)) }
            tell(due)
            guard isNew else { return }
        }
        context.logger.log(
            level: problem.retry ? .warning : .error, "request failed",
            metadata: [
                "service": "\(service)",
                "error": "\(cause)",
                "method": "\(request.method.rawValue.prefix(32))",
                "path": "\(request.uri.path.prefix(256))",
            ])
    }

    /// Logs what was counted, even when no more requests come, until it is cancelled.
    func run() async {
        while (try? await Task.sleep(for: FailureTally.period)) != nil {
            tell(tally.withLock { $0.due(at: .now) })
        }
        tell(tally.withLock { $0.due(at: .now, isEnd: true) })
    }

    private func tell(_ repeats: [FailureTally.Repeats]) {
        for repeats in repeats {
            logger.warning(
                "requests failed again",
                metadata: [
                    "service": "\(service)", "error": "\(repeats.cause)",
                    "times": "\(repeats.count)", "seconds": "\(repeats.time.components.seconds)",
                ])
        }
    }
}

/// Which failures are told one by one, and which are counted until they are told together.
struct FailureTally {
    /// A cause that came again.
    struct Repeats: Equatable {
        var cause: String
        var count: Int
        /// The time within which it did.
        var time: Duration
    }

    private struct Counted {
        var since: ContinuousClock.Instant
        var count = 0
    }

    /// How long failures are counted before they are told.
    static let period = Duration.seconds(10)
    /// Of more causes than this at a time each failure is told.
    static let causesMaximum = 32

    private var counted: [String: Counted] = [:]

    /// Whether a failure is to be told by itself; it is counted otherwise.
    mutating func isNew(_ cause: String, at now: ContinuousClock.Instant) -> Bool {
        guard counted[cause] == nil else {
            counted[cause]?.count += 1
            return false
        }
        if counted.count < Self.causesMaximum { counted[cause] = Counted(since: now) }
        return true
    }

    /// What is to be told now.
    ///
    /// A cause that did not come again for a period is new the next time.
    mutating func due(at now: ContinuousClock.Instant, isEnd: Bool = false) -> [Repeats] {
        var due: [Repeats] = []
        for (cause, one) in counted where isEnd || now - one.since >= Self.period {
            counted[cause] = one.count == 0 ? nil : Counted(since: now)
            guard one.count > 0 else { continue }
            due.append(Repeats(cause: cause, count: one.count, time: now - one.since))
        }
        return due
    }
}
