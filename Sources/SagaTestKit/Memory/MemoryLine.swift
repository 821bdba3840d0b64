package import Saga

/// What lies between one process and the store that it calls: nothing, or whatever a simulation
/// makes of it.
package protocol MemoryLine: Sendable {
    /// Carries a call to the store and its answer back; may delay, lose or refuse either.
    ///
    /// - Parameter call: what is called, for the trace.
    func carry<Value: Sendable>(
        _ call: String, _ effect: () throws(SagaError) -> Value
    ) async throws(SagaError) -> Value
}

/// A line on which nothing is lost and nothing takes time.
package struct SureLine: MemoryLine {
    package init() {}

    package func carry<Value: Sendable>(
        _ call: String, _ effect: () throws(SagaError) -> Value
    ) async throws(SagaError) -> Value {
        try effect()
    }
}
