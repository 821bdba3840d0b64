import Saga
import Synchronization

/// The line between one life of a process and the store.
///
///     call ─▶ delay ─▶ dead? held? ─▶ crash before, refused ─▶ effect ─▶ crash after, lost
final class SimulatedLine: MemoryLine {
    private struct State {
        var isCut = false
        var heldUntil: ContinuousClock.Instant?
    }

    private let simulation: Simulation
    private let caller: SimulatedProcess
    private let state = Mutex(State())

    init(_ simulation: Simulation, caller: SimulatedProcess) {
        self.simulation = simulation
        self.caller = caller
    }

    /// From now on nothing passes.
    func cut() { state.withLock { $0.isCut = true } }

    /// Nothing passes before a time.
    func hold(until time: ContinuousClock.Instant) { state.withLock { $0.heldUntil = time } }

    func carry<Value: Sendable>(
        _ call: String, _ effect: () throws(SagaError) -> Value
    ) async throws(SagaError) -> Value {
        await simulation.delay()
        try await pass()
        if simulation.isAway || simulation.happens({ $0.refusal }) {
            throw SagaError(.unavailable, "the store is away", retry: .later)
        }
        if simulation.happens({ $0.crashBefore }) { throw crash("before \(call)") }
        let result = Result { () throws(SagaError) in try effect() }
        if case .failure(let error) = result {
            simulation.trace.note("\(caller.name) \(call): \(error.code)")
        } else {
            simulation.trace.note("\(caller.name) \(call)")
        }
        await simulation.delay()
        if simulation.happens({ $0.crashAfter }) { throw crash("after \(call)") }
        try await pass()
        if simulation.happens({ $0.lostAnswer }) {
            throw SagaError(.outcomeUnknown, "the answer is lost", retry: .later)
        }
        return try result.get()
    }

    private func crash(_ cause: String) -> SagaError {
        caller.crash(cause)
        return SagaError(.stopped, "the process is dead")
    }

    private func pass() async throws(SagaError) {
        while true {
            let (isCut, rest) = state.withLock { state in
                (state.isCut, state.heldUntil.map { $0 - simulation.clock.now } ?? .zero)
            }
            if isCut { throw SagaError(.stopped, "the process is dead") }
            if rest <= .zero { return }
            guard (try? await simulation.clock.sleep(for: rest)) != nil else {
                throw SagaError(.stopped, "the process ends")
            }
        }
    }
}
