import CloudEvents

// What stands outside, and belongs to a saga that its owner does not know:
//
//     …Unclaimed ──▶ owner: missing ──…Missing──▶ all who have books look into them
//                        ▲                              │
//                        └──────…Unclaimed, count 0─────┘
//     one of them holds something final ──▶ completed      all hold nothing such ──▶ cancelled

extension EntryWork {
    /// Answers a question about something that stands outside, or hears the answer to one.
    func answer(_ question: UnclaimedQuestion, by teller: String) async throws(Interruption) {
        if !question.isAnswer {
            let state = try await advance(.unclaimed, nil, nil)
            guard state.status == .absent || state.status == .missing else { return }
            if state.status == .absent {
                try await expectKnowable(
                    route: event.route, margin: environment.configuration.reconciliationGrace)
            }
        }
        guard let lifecycle = environment.plan.lifecycle else { return }
        let input = LifecycleMachine.input(question, by: teller, keepers: lifecycle.keepers)
        _ = try await advance(input, .unknownSaga, nil)
    }

    /// Tells the owner what the books hold of a saga that it does not know.
    ///
    /// Who cannot look tries for ever: nothing is concluded without.
    func look(
        _ reconciliation: Step.Reconciliation, _ step: Step
    ) async throws(Interruption) {
        let limit = environment.configuration.compensationGiveUpAfter
        let tried = try await attempt(step.name, StepTries(limit: limit)) { context in
            let key = context.idempotencyKey
            let entry = try await reconciliation.books.entry(under: key)
            let planned = try reconciliation.asking.make(
                UnclaimedQuestion(key: key, isFinal: entry?.standing == .final, count: 0))
            return try await apply(environment.transitions.transition(planned, origin: origin))
        }
        switch tried {
        case .returned: return
        case .failed(let error as any Error, _), .gaveUp(let error, _):
            throw .blocked(step: step.name, String(reflecting: error))
        }
    }
}
