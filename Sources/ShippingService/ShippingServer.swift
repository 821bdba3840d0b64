public import Logging
public import Saga
import SagaHTTP
import SagaRedis
public import ServiceHTTP
public import ServiceLifecycle
public import TroupeRedis

/// The shipping service: its part in the order saga, and a view of every shipment.
public struct ShippingServer: Service {
    private let runtime: SagaRuntime
    private let server: ServiceServer
    private let client: JSONClient
    private let seed: RecordSeed

    /// A service that runs as soon as ``run()`` is called.
    ///
    /// - Parameters:
    ///   - carrier: moves the goods; the one at the configured address over HTTP unless given.
    ///   - readiness: is told when the service begins to stop.
    ///
    /// Throws if the configuration makes no sense.
    public init(
        configuration: ShippingServerConfiguration, redis: RedisClient, logger: Logger,
        carrier: (any Carrier)? = nil, readiness: Readiness? = nil
    ) throws(SagaError) {
        let client = JSONClient(
            baseURL: configuration.carrierURL, timeout: configuration.callTimeout,
            connections: configuration.callsMaximum
                + ShippingServerConfiguration.connectionsForBooks)
        let carrier = carrier ?? HTTPCarrier(client)
        self.client = client
        runtime = try SagaRuntime(
            .shipping(
                carrier: carrier, giveUpAfter: configuration.giveUpAfter,
                atMost: configuration.callsMaximum, calls: configuration.carrier),
            redis: redis,
            configuration: configuration.saga, logger: logger)
        readiness?.watch(runtime)
        server = ServiceServer(
            name: "shipping", configuration: configuration.http,
            router: ShipmentRoutes(records: runtime.records).router(logger: logger),
            readiness: readiness, logger: logger)
        seed = RecordSeed(runtime.store, [ShippingSeed.changes], logger: logger)
    }

    /// The port, once the service listens.
    public var boundPort: BoundPort { server.boundPort }

    /// Compares the carrier's books with the ledgers once, instead of running.
    ///
    /// - Parameter acts: whether it also asks and undoes, as the running service does.
    public func reconcile(acts: Bool) async throws -> OutsideReport {
        try await runtime.reconcile(acts: acts, thenClosing: client)
    }

    /// Runs until the graceful stop, then closes what it opened.
    public func run() async throws {
        try await server.run(with: [runtime, seed], calling: [client])
    }
}
