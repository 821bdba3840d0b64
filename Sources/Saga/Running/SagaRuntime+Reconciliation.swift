extension SagaRuntime {
    /// Compares the books of the participant's companies with its ledgers, once, whether the
    /// runtime runs or not.
    ///
    /// - Parameter acts: whether it also asks and undoes, as the running runtime does.
    /// - Returns: what is not in order, and what could not be done about it.
    /// - Throws: what the companies throw; `unavailable` if the ledgers cannot be read.
    public func reconcile(acts: Bool) async throws -> OutsideReport {
        _ = try await environment.birth.ask()
        var all: [OutsideFinding] = []
        var failures: [OutsideFailure] = []
        for reconciler in reconcilers {
            var log = ReconciliationLog()
            let found = try await reconciler.look(&log)
            all += found
            guard acts else { continue }
            for finding in found {
                switch await reconciler.act(on: finding, &log) {
                case .nothing, .done: break
                case .failed(let error), .unavailable(let error):
                    failures.append(OutsideFailure(finding: finding, reason: "\(error)"))
                case .halted:
                    failures.append(
                        OutsideFailure(
                            finding: finding, reason: "too much was undone within this hour already"
                        ))
                }
            }
        }
        return OutsideReport(findings: all, failures: failures)
    }
}
