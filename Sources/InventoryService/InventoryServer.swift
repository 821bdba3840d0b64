public import Logging
public import Saga
import SagaHTTP
import SagaRedis
public import ServiceHTTP
public import ServiceLifecycle
public import TroupeRedis

/// The inventory: its part in the order saga, and the stock over HTTP.
public struct InventoryServer: Service {
    /// Shows and sets the stock without HTTP.
    public let stock: Stock

    private let runtime: SagaRuntime
    private let server: ServiceServer
    private let seed: RecordSeed

    /// A service that runs as soon as ``run()`` is called.
    ///
    /// - Parameters:
    ///   - readiness: is told when the service begins to stop.
    ///
    /// Throws if the configuration makes no sense.
    public init(
        configuration: InventoryServerConfiguration, redis: RedisClient, logger: Logger,
        readiness: Readiness? = nil
    ) throws(SagaError) {
        runtime = try SagaRuntime(
            .inventory(), redis: redis, configuration: configuration.saga, logger: logger)
        stock = Stock(runtime: runtime)
        readiness?.watch(runtime)
        server = ServiceServer(
            name: "inventory", configuration: configuration.http,
            router: StockRoutes(stock: stock).router(logger: logger),
            readiness: readiness, logger: logger)
        seed = RecordSeed(runtime.store, InventorySeed.changes, logger: logger)
    }

    /// The port, once the service listens.
    public var boundPort: BoundPort { server.boundPort }

    /// Runs until the graceful stop.
    public func run() async throws {
        try await server.run(with: [runtime, seed])
    }
}
