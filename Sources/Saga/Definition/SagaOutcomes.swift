/// What came of beginning a saga, or of another local transaction.
public enum TransitionOutcome: Hashable, Sendable {
    /// Everything was applied.
    case applied
    /// The saga had begun before; nothing changed.
    case duplicate
    /// A condition did not hold; nothing changed.
    case rejected(BusinessFailure)
}

/// What came of asking for a saga's cancellation.
public enum CancellationOutcome: Hashable, Sendable {
    /// The saga is being cancelled, by this request or an earlier cause.
    case requested
    /// The saga had been cancelled before.
    case alreadyCancelled
    /// The saga has passed its pivot, and is or will be completed.
    case tooLate
    /// There is no such saga.
    case unknown
}

/// Where a saga stands, as its lifecycle's participant knows it.
public enum SagaStatus: String, Hashable, Sendable {
    /// It is under way.
    case pending
    /// It passed its pivot.
    case completed
    /// It is being undone.
    case cancelling
    /// Everything it did is undone.
    case cancelled

    /// Whether it stays so.
    public var isFinal: Bool { self == .completed || self == .cancelled }
}
