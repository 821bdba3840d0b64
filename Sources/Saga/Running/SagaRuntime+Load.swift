import Logging

extension SagaRuntime {
    /// How many of the participant's own sagas are under way, by all its replicas together, and
    /// whether one that begins now can be expected to end before its deadline.
    ///
    ///     let load = await runtime.load()
    ///     if let pause = load.retryAfter { throw TooBusy(retryAfter: pause) }
    ///     _ = try await runtime.begin(id, TripBooked(…))
    ///
    /// Ask before a saga is begun, and refuse to begin it if it cannot: it would be cancelled, with
    /// everything done and undone in vain. Each such answer counts as a refusal. It costs one call
    /// of the store a second. Without a deadline, or if the store does not answer, it can.
    public func load() async -> SagaLoad {
        guard let watch = environment.load else { return SagaLoad() }
        let load = await watch.load(
            environment.ports.timers, at: environment.clock.now, environment.transitions.health,
            environment.logger)
        guard !load.canMeetDeadline else { return load }
        environment.metrics.overloadRefused()
        if environment.transitions.health.isNews("overload") {
            environment.logger.warning(
                "more sagas are open than can end in time, and no more are to begin",
                metadata: [
                    "open": .stringConvertible(load.open),
                    "endsPerSecond": .stringConvertible(load.endsPerSecond ?? 0),
                    "retryAfter": "\(load.retryAfter ?? .zero)",
                ])
        }
        return load
    }
}
