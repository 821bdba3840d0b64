import CloudEvents
public import Saga

/// What came of it.
extension SagaRehearsal {
    /// The types of all events of a saga in the order in which they were said, by whomever.
    ///
    /// Among them is what an owner tells itself, as `TripsDeadlineReached`, and tells all, as
    /// `TripsCancelling`.
    public func events(of sagaID: String) -> [String] {
        said(of: sagaID).map(\.type)
    }

    /// The events of a type that a saga's participants, or the test, have said.
    ///
    /// - Throws: `undecodable` if one of them is of another form.
    public func events<Event: SagaEvent>(
        _ type: Event.Type, of sagaID: String
    ) throws(SagaError) -> [Event] {
        var events: [Event] = []
        for event in said(of: sagaID) where event.type == Event.type {
            events.append(try EventPayload.decode(type, from: event.data))
        }
        return events
    }

    /// Where a saga stands, as its owner knows it; nil if it never began.
    public func status(of sagaID: String) async throws(SagaError) -> SagaStatus? {
        guard let owner = owner(of: sagaID) else { return nil }
        return try await runtime(owner).status(of: sagaID)
    }

    /// Reads the records of a participant; one that is not there has none.
    public func records(of participant: String) -> any RecordReader {
        MemorySagaStore(server, service: participant).records
    }

    /// How much of the rehearsal's time is left until a saga is cancelled; nil if it has no
    /// deadline, or none any more.
    public func deadline(of sagaID: String) -> Duration? {
        guard let owner = owner(of: sagaID) else { return nil }
        let time = server.contents.timers[owner.name]?["\(owner.deadline.type) \(sagaID)"]
        return time.map { $0 - clock.now }
    }

    /// The participants for which a saga makes no progress: what they have to undo or to finish
    /// fails, and is tried again for ever.
    public func blocked(_ sagaID: String) -> [String] {
        server.contents.blocked.filter { $0.value[sagaID] != nil }.keys.sorted()
    }

    /// What participants have set aside because they cannot deal with it, and why.
    ///
    /// Each begins with the participant and a code: `hotels: undecodable: …`.
    public var letters: [String] {
        server.contents.letters.sorted { $0.key < $1.key }.flatMap { name, letters in
            letters.map { "\(name): \($0.letter.reason.rawValue): \($0.letter.error)" }
        }
    }

    func status(inLedgerOf sagaID: String) -> SagaStatus? {
        guard let owner = owner(of: sagaID),
            let text = server.contents.ledger(owner.name, sagaID)[LifecycleState.field]
        else { return nil }
        return LifecycleState(text: LedgerEntry(text).state)?.sagaStatus
    }

    /// IDs sort by the time at which they were made, and a cause's is made before its effects'.
    private func said(of sagaID: String) -> [CloudEvent] {
        server.contents.streams.values
            .flatMap { $0.entries.compactMap { try? CloudEvent(json: $0.bytes) } }
            .filter { $0.correlationID == sagaID }
            .sorted { $0.id < $1.id }
    }
}
