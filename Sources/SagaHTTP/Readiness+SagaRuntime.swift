public import Saga
public import ServiceHTTP

extension Readiness {
    /// The process is not ready while the runtime says that something keeps it from working, and
    /// degraded while it works all the same.
    public func watch(_ runtime: SagaRuntime) {
        add(
            Check(
                runtime.name, faults: { runtime.faults }, impairments: { runtime.impairments }))
    }
}
