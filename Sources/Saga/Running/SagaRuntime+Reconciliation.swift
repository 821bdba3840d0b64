extension SagaRuntime {
    /// Compares the books of the participant's companies with its ledgers, once, whether the
    /// runtime runs or not.
    ///
    /// - Parameter acts: whether it also asks and undoes, as the running runtime does.
    /// - Returns: what is not in order.
    /// - Throws: what the companies throw; `unavailable` if the ledgers cannot be read.
    public func reconcile(acts: Bool) async throws -> [OutsideFinding] {
        _ = try await environment.birth.ask()
        var all: [OutsideFinding] = []
        for step in environment.plan.steps {
            guard let reconciler = Reconciler(step, environment) else { continue }
            var log = ReconciliationLog()
            let found = try await reconciler.look(&log)
            all += found
            guard acts else { continue }
            for finding in found { await reconciler.act(on: finding, &log) }
        }
        return all
    }
}
