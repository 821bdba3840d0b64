import CloudEvents
public import Saga
public import ServiceHTTP

extension StepContext {
    /// Makes calls to the world outside as part of the saga's trace.
    ///
    /// What they wait for a connection does not count against the step's `giveUpAfter`.
    public func calling<Value>(
        _ call: () async throws -> Value
    ) async rethrows -> Value {
        try await ConnectionWait.$observer.withValue(waits) {
            try await CallOrigin.$current.withValue(
                CallOrigin(traceparent: event.traceparent), operation: call)
        }
    }
}

/// A call without a connection is not an attempt.
extension CallError: UnsentError {
    /// Whether nothing went out.
    public var isUnsent: Bool { code == .notSent }
}
