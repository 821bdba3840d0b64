/// An error that may be certain that nothing was sent: no connection, no turn, a company that is
/// known to be down.
///
/// A forward step that throws such a one has made no attempt: it is tried again, its time does not
/// count against `giveUpAfter`, and a business failure after it counts like one of the first
/// try. Let the error of a client conform to it, or throw `NothingSent`.
public protocol UnsentError: Error {
    /// Whether nothing that the step did in this try has reached anybody outside.
    ///
    /// False if there is any doubt: a call that was written and not answered may have taken effect.
    var isUnsent: Bool { get }
}

/// Says that a step could not send anything.
public struct NothingSent: UnsentError, CustomStringConvertible {
    /// Why; safe to show.
    public var description: String

    /// An error for that reason.
    public init(_ reason: String) {
        description = reason
    }

    /// Always.
    public var isUnsent: Bool { true }
}

extension StepTries.Failure {
    init(_ error: any Error) {
        if (error as? any UnsentError)?.isUnsent == true {
            self = .unsent
        } else if (error as? SagaError)?.retry == .later {
            self = .outage
        } else {
            self = .unknown
        }
    }
}
