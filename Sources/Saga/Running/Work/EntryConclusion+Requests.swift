import CloudEvents
import Logging

extension EntryConclusion {
    /// Keeps a letter of what a client's request left half written.
    ///
    /// It has no event: there is no entry to put back, as nobody heard of it. Who asked waits for
    /// the answer; so it is tried once, and the ledger says the same.
    func keepLetter(
        of mark: StoreTransition.Mark, _ transition: StoreTransition, _ error: SagaError
    ) async {
        let text = DeadLetter.halfApplied(
            error.debugDescription, field: mark.field,
            ledger: environment.ports.store.name(ofLedger: mark.sagaID))
        let now = environment.clock.wallMilliseconds
        let letter = DeadLetter(
            event: [],
            stream: environment.ports.transport.name(ofOwn: transition.events.first?.type ?? ""),
            id: mark.next.eventID, reason: .halfApplied, error: text, attempts: 1,
            firstTime: now, lastTime: now)
        var trace = DeadLetter.Trace(sagaID: mark.sagaID)
        trace.halfApplied(mark.field, expected: mark.expected, eventID: mark.next.eventID)
        let metadata: Logger.Metadata = ["saga": "\(mark.sagaID)", "step": "\(mark.field)"]
        do {
            try await environment.ports.store.keep(letter, trace, in: nil)
            environment.letters.note(
                letter, "a request left its saga half written, which waits for a person", metadata)
        } catch {
            environment.logger.error(
                "a request left its saga half written, and its letter could not be kept",
                metadata: metadata.merging(["error": "\(text)", "cause": "\(error)"]) { $1 })
        }
        environment.metrics.sagaBlocked()
    }
}
