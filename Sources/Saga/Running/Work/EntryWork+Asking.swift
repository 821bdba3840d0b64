import CloudEvents
import Timekeeping

/// Asks again, when a saga's time is up, those who have lost what they were asked.
///
///     the time is up ─▶ pending     it is to be cancelled
///                       cancelling  who has not answered: has anybody lost the question?
///                       completed   who has not finished: the same
///                                       │ yes: all are asked again     │ no
///                                       ▼                              ▼
///                                   a longer pause  ◀──────────────────┘
///
/// Who only takes long, as during an outage, or has put it off, is not asked twice: that would
/// make it longer.
extension EntryWork {
    func timeIsUp(_ request: Lifecycle.Request) async throws(Interruption) {
        let fields = [LifecycleState.field, LedgerEnd.field]
        let look = try await untilAnswered { () async throws(SagaError) in
            try await environment.ports.store.ledger(of: sagaID, fields: fields)
        }
        let held = look[LifecycleState.field]
        let state = held.flatMap { LifecycleState(text: $0.state) } ?? .absent
        var input = LifecycleInput.timeIsUp(awaiting: request.awaiting)
        switch state.status {
        case .completed:
            return try await askFinishers(look)
        case .cancelling:
            let pause = LifecycleMachine.pause(
                environment.configuration.askAgainAfter, asked: state.asked)
            let open = state.awaited.subtracting(state.answered).sorted()
            let questions = environment.plan.lifecycle?.questions ?? [:]
            if !(await isAnyLost(open.map { questions[$0] }, after: pause)) { input = .waitsOn }
        case .absent, .pending, .cancelled, .missing, .unknown: break
        }
        try await hear(input, failure: .deadlineReached, opening: nil)
    }

    /// Says once more that the saga went through, by the same ID, if that was lost, and looks
    /// again later; nothing if all have finished.
    private func askFinishers(_ look: LedgerLook) async throws(Interruption) {
        guard let lifecycle = environment.plan.lifecycle,
            let kind = lifecycle.completions.first?.emits,
            let pivot = look[LifecycleState.field],
            case .awaiting(let names, let version, let said)? = look[LedgerEnd.field]
                .flatMap({ LedgerEnd($0) }),
            !PlantedFault.isPlanted(.nobodyAsksAgain)
        else { return }
        let past = UUIDv7.milliseconds(of: pivot.eventID).map { now - $0 } ?? 0
        let pause = LifecycleMachine.pause(
            environment.configuration.askAgainAfter, past: .milliseconds(max(past, 0)))
        var planned = PlannedTransition()
        if await isAnyLost(names.map { lifecycle.finishQuestions[$0] }, after: pause / 2) {
            planned.events = [
                PlannedTransition.Event(
                    type: kind.type, version: version, payload: Array(said.utf8))
            ]
        }
        planned.changes.setTimer(sagaID, event: environment.plan.deadline.type, after: pause)
        _ = try await apply(
            environment.transitions.transition(planned, origin: origin, id: pivot.eventID))
    }

    /// By the store's clock, unless it does not say.
    private var now: Int64 {
        environment.ports.transport.time(ofEntry: entryID) ?? environment.clock.wallMilliseconds
    }

    /// Whether somebody has lost a question that was asked at least this long ago.
    ///
    /// Who was asked nobody knows how, or cannot be looked after by any right, is asked again.
    private func isAnyLost(
        _ questions: [LifecycleQuestion?], after pause: Duration
    ) async -> Bool {
        let asked = now - Int64(pause.milliseconds)
        for question in questions {
            guard let question else { return true }
            do throws(SagaError) {
                let asks = try await progress(of: question.participant, in: question.asks)
                let answers = try await progress(of: environment.plan.name, in: question.answers)
                guard
                    LifecycleQuestion.isLost(asked: asked, now: now, asks: asks, answers: answers)
                else { continue }
                // Who has put it off has acknowledged it, and owes the answer.
                let isBlocked = try await environment.ports.debts.isBlocked(
                    sagaID, on: environment.plan.route, at: question.step,
                    of: question.participant)
                if !isBlocked { return true }
            } catch {
                if error.retry == .never { return true }
            }
        }
        return false
    }

    private func progress(
        of participant: String, in kinds: [EventKind]
    ) async throws(SagaError) -> [GroupProgress] {
        var all: [GroupProgress] = []
        for kind in kinds {
            all.append(try await environment.ports.transport.progress(of: participant, in: kind))
        }
        return all
    }
}
