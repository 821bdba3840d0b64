import CloudEvents
public import Saga
import ServiceHTTP

extension StepContext {
    /// Makes calls to the world outside as part of the saga's trace.
    public func calling<Value>(
        _ call: () async throws -> Value
    ) async rethrows -> Value {
        try await CallOrigin.$current.withValue(
            CallOrigin(traceparent: event.traceparent), operation: call)
    }
}
