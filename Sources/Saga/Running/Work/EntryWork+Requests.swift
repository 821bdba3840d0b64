import CloudEvents
import Logging

/// What people ask of this service alone.
extension EntryWork {
    /// Keeps a person's word in the ledger, and has what waits for it tried again.
    func hearRequest() async throws(Interruption) {
        guard event.type == ResolveStep.type else {
            throw .dead(.unknownType, "nothing is known of such a request", attempts: 0)
        }
        let request = try decoded { data throws(SagaError) in
            try EventPayload.decode(ResolveStep.self, from: data)
        }
        let steps = environment.plan.steps
        guard let step = steps.first(where: { $0.name == request.step }),
            step.unknown.policy == .park
        else {
            throw .dead(
                .contradiction, "step \(request.step.prefix(80)) asks no person", attempts: 0)
        }
        let entry = try await ledger(step.name)[step.name]
        let state = entry?.state ?? ""
        guard let entry, state == LedgerEntry.unknown, entry.unknownCause != .toBeUndone else {
            return log("a step that somebody has resolved waits for nobody", request, state)
        }
        try await keep(request)
        let debt = Debt.field(of: step.name)
        guard try await ledger(debt)[debt] != nil else {
            return log(
                "a person has resolved a step that goes on once its event comes again", request,
                state)
        }
        log("a person has resolved a step", request, state)
        try await untilAnswered { () async throws(SagaError) in
            try await environment.ports.debts.hurry(of: sagaID)
        }
    }

    /// Keeps the word, in place of one that was said before: as long as the step waits that one
    /// has had no effect.
    private func keep(_ request: ResolveStep) async throws(Interruption) {
        var held = ""
        // Nobody else says more than one of two words.
        for _ in 0..<3 {
            let word = environment.transitions.transition(
                PlannedTransition(), origin: origin, field: PersonalWord.field(of: request.step),
                expected: held, next: request.outcome.rawValue, note: Self.line(request.reason),
                isLast: false)
            guard case .refused(let known) = try await apply(word),
                known.state != request.outcome.rawValue
            else { return }
            held = known.state
        }
    }

    private func log(_ text: Logger.Message, _ request: ResolveStep, _ state: String) {
        environment.logger.notice(
            text,
            metadata: metadata(
                request.step,
                [
                    "outcome": "\(request.outcome.rawValue)", "state": "\(state)",
                    "reason": "\(Self.line(request.reason))",
                ]))
    }

    /// A note of a ledger is a line, and no book.
    private static func line(_ text: String) -> String {
        String(text.prefix(200).map { $0.isNewline ? " " : $0 })
    }
}
