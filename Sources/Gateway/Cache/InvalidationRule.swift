/// Which tags an event takes away, and whose streams keep it.
public struct InvalidationRule: Sendable {
    /// The event types, as they stand in channel and stream names (`PaymentRefunded`).
    public var events: [String]
    /// The service that emits them and owns their streams (`payment`).
    public var service: String
    /// What each of them changes.
    ///
    /// Fields: `subject`, `type`, `id`, `correlationid`, and `data.` followed by a path into the
    /// event's data (`data.productId`).
    public var tags: [TagTemplate]

    /// A rule for some events of one service.
    public init(events: [String], service: String, tags: [TagTemplate]) {
        self.events = events
        self.service = service
        self.tags = tags
    }
}
