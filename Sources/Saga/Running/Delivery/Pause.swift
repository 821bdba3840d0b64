import Logging
import Synchronization

/// Whether a person has said that a participant is to read nothing, as before a deployment.
///
/// What is under way goes on to its end; new entries, what others left behind, timers and what is
/// owed wait. The service answers its clients all the same, and deadlines go on.
final class Pause: Sendable {
    private let state = Atomic(false)
    private let transport: any EventTransport
    private let metrics: SagaMetrics
    private let logger: Logger

    init(_ transport: any EventTransport, _ metrics: SagaMetrics, _ logger: Logger) {
        self.transport = transport
        self.metrics = metrics
        self.logger = logger
    }

    var isOn: Bool { state.load(ordering: .relaxed) }

    /// Asks; while nobody can tell, it stays as it was.
    ///
    /// - Returns: whether it has just ended.
    func look() async -> Bool {
        guard let isOn = await transport.isPaused() else { return false }
        let wasOn = state.exchange(isOn, ordering: .relaxed)
        guard wasOn != isOn else { return false }
        metrics.paused(isOn)
        logger.notice(isOn ? "reads nothing until it is resumed" : "reads again")
        return wasOn
    }
}
