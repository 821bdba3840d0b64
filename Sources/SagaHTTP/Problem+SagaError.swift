public import Saga
public import ServiceHTTP

extension Problem {
    /// What an error of a service's records means to a client; nil for any other error.
    ///
    /// What may pass by itself is a 503 that says to come back. The rest is ours to mend.
    ///
    /// - Parameter subject: what cannot be reached, as a sentence begins: `The payments`.
    public init?(_ error: any Error, reaching subject: String) {
        guard let error = error as? SagaError else { return nil }
        self =
            error.mayPass
            ? .unavailable("\(subject) cannot be reached now.", cause: error)
            : .internal(cause: error)
    }
}

extension SagaError {
    /// Whether waiting can mend it, in this process or in the one that comes after it, or
    /// reading again what Redis holds.
    public var mayPass: Bool { retry == .later || code == .stopped || code == .epochOver }
}
