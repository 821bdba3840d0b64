import CloudEvents
import Metrics

/// Notes the ends of sagas that a participant hears of.
///
///     a read ─▶ its ends ──one step──▶ ledgers ─▶ acknowledged
///                  └──it fails──▶ worked on one by one, as all else
///
/// They mean nothing but that a ledger may go some day; so they need no turn among the entries of
/// their saga, and those that one read brings are noted together.
struct EndWriter: Sendable {
    private let environment: WorkEnvironment
    /// What is the same of all that it notes.
    private let empty: SagaEndings

    init(environment: WorkEnvironment) {
        self.environment = environment
        let plan = environment.plan
        empty = SagaEndings(
            [], steps: plan.steps.map(\.name),
            timer: plan.lifecycle.map { _ in plan.deadline.type },
            // Nobody waits for what has nothing to undo, nor for who has heard half of a join.
            mayComeLate: plan.steps.contains {
                $0.compensations.isEmpty || $0.triggers.count > 1
            })
    }

    /// Notes what a read brought of ends, and returns what has to be worked on one by one.
    ///
    /// - Parameter acknowledge: called for each entry that is dealt with.
    func note(
        _ entries: [HeldEntry], in epoch: StoreEpoch, acknowledge: (HeldEntry) -> Void
    ) async -> [HeldEntry] {
        var (ends, noted, rest): ([SagaEnd], [HeldEntry], [HeldEntry]) = ([], [], [])
        for entry in entries {
            if let end = end(entry) {
                ends.append(end)
                noted.append(entry)
            } else {
                rest.append(entry)
            }
        }
        guard !ends.isEmpty else { return entries }
        do {
            try await environment.ports.store.note(endings(ends), in: epoch)
        } catch {
            return entries
        }
        for entry in noted {
            environment.consumed[entry.stream].increment()
            acknowledge(entry)
        }
        return rest
    }

    /// Nil for what means anything else, or cannot be trusted to mean this.
    private func end(_ entry: HeldEntry) -> SagaEnd? {
        let stream = environment.streams[entry.stream]
        guard let news = stream.news, case .event(let event) = entry.content,
            event.type == stream.type, event.dataVersion <= stream.consumed.kind.version
        else { return nil }
        return SagaEnd(event.correlationID, news)
    }

    func endings(_ ends: [SagaEnd]) -> SagaEndings {
        var endings = empty
        endings.ends = ends
        return endings
    }
}

extension EntryWork {
    /// Notes an end that came alone.
    func note(_ news: SagaEnd.News) async throws(Interruption) {
        let endings = EndWriter(environment: environment).endings([SagaEnd(sagaID, news)])
        try await untilAnswered { () async throws(SagaError) in
            try await environment.ports.store.note(endings, in: epoch)
        }
    }
}
