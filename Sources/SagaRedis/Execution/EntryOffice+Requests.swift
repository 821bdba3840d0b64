import CloudEvents
import Logging
import Saga

extension EntryOffice {
    /// Keeps a letter of what a client's request left half written.
    ///
    /// It has no event: there is no entry to put back, as nobody heard of it. Who asked waits for
    /// the answer; so it is tried once, and the ledger says the same.
    func keepLetter(
        of mark: TransitionRequest.Mark, _ request: TransitionRequest, _ error: SagaError
    ) async {
        let transitions = environment.transitions
        let service = transitions.service
        let text = DeadLetter.halfApplied(
            error.debugDescription, field: mark.field,
            ledger: transitions.keys.ledger(mark.sagaID))
        let letter = DeadLetter(
            event: [],
            stream: transitions.names.stream(request.emitted.first ?? "", owner: service),
            id: mark.next.eventID, reason: .halfApplied, error: text, attempts: 1,
            firstTime: SystemTime.milliseconds())
        var trace = DeadLetter.Trace(sagaID: mark.sagaID)
        trace.halfApplied(mark.field, expected: mark.expected, eventID: mark.next.eventID)
        var metadata: Logger.Metadata = [
            "saga": "\(mark.sagaID)", "step": "\(mark.field)", "error": "\(text)",
        ]
        do {
            _ = try await letter.write(
                trace, to: transitions.redis, names: transitions.names, service: service,
                timeToLive: environment.configuration.ledgerTimeToLive)
            environment.metrics.deadLetter()
        } catch {
            metadata["letter"] = "could not be kept: \(error)"
        }
        environment.metrics.sagaBlocked()
        environment.logger.error(
            "a request left its saga half written, which waits for a person", metadata: metadata)
    }
}
