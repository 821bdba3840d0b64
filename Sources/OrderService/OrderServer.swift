public import Logging
import OrderContracts
public import Saga
import SagaHTTP
public import SagaRedis
public import ServiceHTTP
public import ServiceLifecycle
public import TroupeRedis

/// The order service: HTTP routes, the order's part in its sagas, and the order of the demo.
///
///     POST ─▶ OrderRoutes ─▶ Orders ─▶ SagaRuntime ─▶ Redis ─▶ Participant.order
public struct OrderServer: Service {
    /// Places, shows and cancels orders without HTTP.
    public let orders: Orders

    private let runtime: SagaRuntime
    private let server: ServiceServer
    private let clients: [JSONClient]
    private let seed: RecordSeed

    /// A service that runs as soon as ``run()`` is called.
    ///
    /// - Parameters:
    ///   - catalog: knows users and products; the two services over HTTP unless given.
    ///   - readiness: is told when the service begins to stop.
    ///
    /// Throws if the configuration makes no sense.
    public init(
        configuration: OrderServerConfiguration, redis: RedisClient, logger: Logger,
        catalog: (any Catalog)? = nil, readiness: Readiness? = nil
    ) throws(SagaError) {
        runtime = try SagaRuntime(
            .order(deadline: configuration.deadline), redis: redis,
            configuration: configuration.saga, logger: logger)
        let clients = [configuration.usersURL, configuration.productsURL].map {
            JSONClient(baseURL: $0, timeout: configuration.callTimeout)
        }
        self.clients = clients
        orders = Orders(
            runtime: runtime,
            catalog: catalog ?? HTTPCatalog(users: clients[0], products: clients[1]))
        // The routes have to know of a stop, also where nobody asks for readiness.
        let readiness = readiness ?? Readiness()
        readiness.watch(runtime)
        server = ServiceServer(
            name: "orders", configuration: configuration.http,
            router: OrderRoutes(orders: orders, readiness: readiness).router(logger: logger),
            readiness: readiness, logger: logger)
        seed = RecordSeed(runtime.store, [OrderSeed.changes], logger: logger)
    }

    /// What it keeps under one name, whatever its orders; its part in sagas apart.
    public static func standingKeys(_ names: SagaKeys) -> [RedisStandingKey] {
        [RedisStandingKey(names.record(.allOrders, service: ServiceName.order), .sortedSet)]
    }

    /// The port, once the service listens.
    public var boundPort: BoundPort { server.boundPort }

    /// Runs until the graceful stop, then closes what it opened.
    public func run() async throws {
        try await server.run(with: [runtime, seed], calling: clients)
    }
}
