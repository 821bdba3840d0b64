import CloudEvents

/// One of several events that are waited for together. `JoinMachine` decides; this acts on it.
extension EntryWork {
    /// Keeps the event, or returns what has come if it is the last one; nil if it is not.
    ///
    /// - Parameter arrival: as what it has come.
    func gather(
        _ join: ParticipantPlan.Join, _ arrival: JoinState.Arrival
    ) async throws(Interruption) -> (payloads: [[UInt8]], isAgain: Bool)? {
        var state = JoinState.nothing
        // Each round finds one more of the others kept.
        for _ in 0...join.awaited.count {
            switch JoinMachine.action(arrival, in: state, of: join.awaited) {
            case .open(let payloads, let isAgain): return (payloads, isAgain)
            case .wait: return nil
            case .keep(let next):
                guard let held = try await keep(next, over: state, join) else { return nil }
                guard let found = JoinState(held) else {
                    throw .dead(.contradiction, "the ledger holds no join", attempts: 1)
                }
                state = found
            }
        }
        throw .dead(.contradiction, "the ledger keeps changing", attempts: 1)
    }

    /// Returns what the ledger holds instead; nil if it was kept.
    private func keep(
        _ next: JoinState, over state: JoinState, _ join: ParticipantPlan.Join
    ) async throws(Interruption) -> LedgerEntry? {
        let transition = environment.transitions.transition(
            PlannedTransition(), origin: origin, field: join.field, expected: state.word,
            next: next.word, note: next.note, isLast: !environment.plan.hearsEnds)
        switch try await apply(transition) {
        case .applied: return nil
        case .refused(let entry): return entry
        case .rejected(let failure):
            throw .dead(.contradiction, "a join is rejected: \(failure)", attempts: 1)
        }
    }
}
