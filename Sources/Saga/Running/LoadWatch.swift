import Logging
import Synchronization

/// Looks how many sagas are open, when somebody asks and at most once a second.
///
/// `LoadGauge` decides. All replicas see the same, as the store counts for all of them.
final class LoadWatch: Sendable {
    private struct State {
        var gauge: LoadGauge
        var asked: ContinuousClock.Instant?
        var answered: ContinuousClock.Instant?
    }

    /// How long a look is good for.
    private static let life: Duration = .seconds(1)
    /// After this long without an answer nothing is refused.
    private static let memory: Duration = .seconds(5)

    private let question: LoadQuestion
    private let state: Mutex<State>

    init(_ question: LoadQuestion) {
        self.question = question
        state = Mutex(State(gauge: LoadGauge(deadline: question.deadline)))
    }

    func load(
        _ timers: any SagaTimers, at now: ContinuousClock.Instant, _ health: RuntimeHealth,
        _ logger: Logger
    ) async -> SagaLoad {
        let isDue = state.withLock { state in
            if let asked = state.asked, now - asked < Self.life { return false }
            state.asked = now
            return true
        }
        guard isDue else { return state.withLock { $0.gauge.load } }
        do {
            let count = try await timers.count(question)
            return state.withLock { state in
                state.answered = now
                state.gauge.note(
                    LoadGauge.Look(
                        at: now, begun: count.begun, ended: count.ended, timers: count.timers,
                        farTimers: count.farTimers))
                return state.gauge.load
            }
        } catch {
            if health.isNews("load: \(error.message)") {
                logger.warning(
                    "open sagas cannot be counted, so that none is refused",
                    metadata: ["error": "\(error)"])
            }
            return state.withLock { state in
                if now - (state.answered ?? now) > Self.memory { state.gauge.forget() }
                return state.gauge.load
            }
        }
    }
}

extension LoadQuestion {
    /// Nil if the participant begins no sagas that have a deadline.
    init?(_ plan: ParticipantPlan) {
        guard let lifecycle = plan.lifecycle, let deadline = lifecycle.deadline else { return nil }
        self.init(
            begins: lifecycle.begins.type, ends: lifecycle.ends.map(\.type), deadline: deadline)
    }
}
