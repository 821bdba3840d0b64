import CloudEvents
import Logging

/// What could not be done yet is owed: it leaves its stream, and is tried again for ever.
extension EntryConclusion {
    /// Parks what a step could not do; false if the runtime stops before it is kept.
    func park(
        _ step: String, _ error: String, _ trace: DeadLetter.Trace?, _ entry: HeldEntry,
        _ place: Dispatcher.Place
    ) async -> Bool {
        guard case .event(let event) = entry.content, var trace else { return false }
        trace.blocked = (step, event.id)
        let tries = entry.debt.flatMap { $0.step == step ? $0.tries : nil } ?? 0
        let debt = Debt(
            sagaID: event.correlationID, step: step, tries: tries + 1,
            type: event.type, entryID: entry.id, event: event.json(), error: error)
        let pause = environment.configuration.blockedRetry.pause(
            after: debt.tries, random: environment.ports.chance.fraction())
        let isNew = await untilKept("what a saga owes", place) { () async throws(SagaError) in
            try await environment.ports.debts.park(debt, trace, for: pause, in: entry.epoch)
        }
        guard let isNew else { return false }
        if isNew { report(debt) }
        return true
    }

    /// Many may be blocked by one company: each is counted, and one of them logged now and then.
    private func report(_ debt: Debt) {
        environment.metrics.sagaBlocked()
        let isNews = environment.transitions.health.isNews("blocked \(debt.step)")
        environment.logger.log(
            level: isNews ? .error : .debug,
            debt.question == nil
                ? "saga is blocked, and tried again until it works"
                : "saga waits for a person: see troupe saga show",
            metadata: [
                "saga": "\(debt.sagaID)", "step": "\(debt.step)", "type": "\(debt.type)",
                "error": "\(debt.error)",
            ])
    }

    /// What was owed has become a letter, and is tried no more.
    func settle(_ debt: Debt, _ entry: HeldEntry, _ place: Dispatcher.Place) async -> Bool {
        let isSettled: Void? = await untilKept("what a saga owes", place) {
            () async throws(SagaError) in
            try await environment.ports.debts.settle(debt, isDone: false)
        }
        return isSettled != nil
    }
}

extension EntryWork {
    /// Notes that what was owed is done, and lets others that may have waited for the same be
    /// tried again.
    func settle(_ debt: Debt) async throws(Interruption) {
        try await uncancelledIfSpent { () async throws(Interruption) in
            try await self.settleNow(debt)
        }
    }

    private func settleNow(_ debt: Debt) async throws(Interruption) {
        try await untilAnswered { () async throws(SagaError) in
            try await environment.ports.debts.settle(debt, isDone: true)
        }
        environment.logger.info(
            "what the saga owed is done",
            metadata: metadata(debt.step, ["tries": .stringConvertible(debt.tries)]))
        guard environment.transitions.health.isNews("hurry") else { return }
        try await untilAnswered { () async throws(SagaError) in
            try await environment.ports.debts.hurry()
        }
    }

    /// Who was asked again, and could do it this time, is blocked no more.
    func noteProgress(_ consumed: ParticipantPlan.Consumed) async throws(Interruption) {
        let mayHaveMoved = consumed.roles.contains { role in
            switch role {
            case .compensate, .finish, .start, .join, .inPlace: true
            case .again, .end, .pivot, .heard, .unclaimed, .inquiry, .deadline: false
            }
        }
        guard mayHaveMoved else { return }
        try await uncancelledIfSpent { () async throws(Interruption) in
            try await self.untilAnswered { () async throws(SagaError) in
                try await self.environment.ports.debts.noteProgress(of: self.sagaID)
            }
        }
    }
}
