import Logging
import Synchronization

/// Counts dead letters by their code, and tells of them in few lines.
final class DeadLetterReporter: Sendable {
    private let log = Mutex(DeadLetterLog())
    private let clock: any SagaClock
    private let metrics: SagaMetrics
    private let logger: Logger

    init(clock: any SagaClock, metrics: SagaMetrics, logger: Logger) {
        self.clock = clock
        self.metrics = metrics
        self.logger = logger
    }

    /// Counts a letter that is kept, and tells of it if it is the first of its kind.
    func note(
        _ letter: DeadLetter, _ text: Logger.Message = "event became a dead letter",
        _ more: Logger.Metadata = [:]
    ) {
        metrics.deadLetter(letter.reason)
        let kind = DeadLetterLog.Kind(letter.reason, of: letter.stream)
        let now = clock.now
        let isFirst = log.withLock { $0.note(kind, at: now) }
        let metadata: Logger.Metadata = [
            "stream": "\(letter.stream)", "entry": "\(letter.id)",
            "reason": "\(letter.reason.rawValue)", "error": "\(letter.error)",
            "attempts": .stringConvertible(letter.attempts),
        ]
        logger.log(
            level: isFirst ? .error : .debug, text, metadata: metadata.merging(more) { $1 })
    }

    /// Tells how many more there were of each kind.
    func tell() {
        let now = clock.now
        tell(log.withLock { $0.due(at: now) })
    }

    /// The same of all that was not told yet.
    func tellAll() { tell(log.withLock { $0.rest() }) }

    private func tell(_ counts: [(kind: DeadLetterLog.Kind, count: Int)]) {
        for (kind, count) in counts {
            logger.error(
                "more events became dead letters",
                metadata: [
                    "stream": "\(kind.stream)", "reason": "\(kind.reason.rawValue)",
                    "count": .stringConvertible(count),
                ])
        }
    }
}
