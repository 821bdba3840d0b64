public import Saga

extension SagaRuntimeConfiguration {
    /// What every service of the order system begins with.
    ///
    /// Their handlers wait for companies and neither block nor compute: so they ask for the
    /// connection's event loop, where nothing changes threads.
    public static var orderSystem: SagaRuntimeConfiguration {
        var configuration = SagaRuntimeConfiguration()
        configuration.handlerExecutor = .onConnection
        return configuration
    }
}
