public import Saga
public import ServiceHTTP

extension SagaRuntime {
    /// Compares books and ledgers once, and closes the client through which the books are read.
    ///
    /// - Parameter acts: whether it also asks and undoes, as the running runtime does.
    public func reconcile(
        acts: Bool, thenClosing client: JSONClient
    ) async throws -> OutsideReport {
        do {
            let report = try await reconcile(acts: acts)
            await client.shutdown()
            return report
        } catch {
            await client.shutdown()
            throw error
        }
    }
}
