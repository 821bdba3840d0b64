import AsyncHTTPClient
import Gateway
import GatewayRedis
import InventoryService
import Logging
import Metrics
import Observability
import OrderService
import PaymentService
import ProductService
import Redis
import SagaRedis
import SandboxService
import ServiceHTTP
import ServiceLifecycle
import ShippingService
import UserService

/// The whole company, as `up` puts it on stage in one process.
///
///     client ──▶ gateway :3000 ──▶ users :3001   products :3002
///                 │    ▲    │              ▲        ▲
///             L1 + L2  │    └─────▶ orders :3003 ───┘
///              cache   │               │
///                      │         events│in Redis ──▶ payments  :3004 ──▶ sandbox :3007
///                      │               │             inventory :3005         ▲
///                      └─ invalidation ┴─            shipping  :3006 ────────┘
///
/// All services share one Redis client: one connection for commands, so that whatever waits
/// goes out in one write, and one for subscriptions. The gateway's cache has a client of its
/// own, since it may live on another Redis.
struct Ensemble {
    let settings: SystemSettings
    let addresses: Addresses
    let excluded: Set<ServiceName>
    let logger: Logger

    /// Everything, in the order of the start; it stops in reverse: the gateway first, so that
    /// nothing new comes in, then who calls before who is called, clients and admin last.
    func services() throws -> [any Service] {
        let office = Office(admin: addresses.admin, logger: logger)
        let redis = client(for: settings.redis, "troupe")
        office.watch(redis, as: "redis")
        let services = try ServiceName.startOrder.filter { !excluded.contains($0) }
            .map { try service($0, redis: redis, office) }
        return [office.server, redis] + services + (try gateway(events: redis, office))
    }

    /// One of the services in a process of its own, with what it needs.
    func services(only name: ServiceName) throws -> [any Service] {
        let office = Office(admin: addresses.port(of: name) + 100, logger: logger)
        let redis = client(for: settings.redis, "troupe-\(name.rawValue)")
        if name != .sandbox { office.watch(redis, as: "redis") }
        return [office.server, redis, try service(name, redis: redis, office)]
    }

    /// The gateway in a process of its own.
    func gatewayAlone() throws -> [any Service] {
        let office = Office(admin: addresses.admin, logger: logger)
        let redis = client(for: settings.redis, "troupe-gateway")
        office.watch(redis, as: "redis")
        return [office.server, redis] + (try gateway(events: redis, office))
    }

    // MARK: - Services

    private func service(
        _ name: ServiceName, redis: RedisClient, _ office: Office
    ) throws -> any Service {
        switch name {
        case .users: try users(redis, office)
        case .products: try products(redis, office)
        case .orders: try orders(redis, office)
        case .payments: try payments(redis, office)
        case .inventory: try inventory(redis, office)
        case .shipping: try shipping(redis, office)
        case .sandbox: try sandbox(office)
        }
    }

    private func users(_ redis: RedisClient, _ office: Office) throws -> UserServer {
        var configuration = UserServerConfiguration()
        configuration.http.port = addresses.port(of: .users)
        configuration.namespace = settings.namespace ?? ""
        return UserServer(
            configuration: configuration, redis: redis, logger: logger,
            readiness: office.readiness)
    }

    private func products(_ redis: RedisClient, _ office: Office) throws -> ProductServer {
        var configuration = ProductServerConfiguration()
        configuration.http.port = addresses.port(of: .products)
        configuration.namespace = settings.namespace ?? ""
        return ProductServer(
            configuration: configuration, redis: redis, logger: logger,
            readiness: office.readiness)
    }

    private func orders(_ redis: RedisClient, _ office: Office) throws -> OrderServer {
        var configuration = OrderServerConfiguration()
        configuration.http.port = addresses.port(of: .orders)
        configuration.saga = saga
        configuration.usersURL = url(of: .users)
        configuration.productsURL = url(of: .products)
        if let deadline = settings.orderDeadline { configuration.deadline = deadline }
        return try OrderServer(
            configuration: configuration, redis: redis, logger: logger,
            readiness: office.readiness)
    }

    private func payments(_ redis: RedisClient, _ office: Office) throws -> PaymentServer {
        var configuration = PaymentServerConfiguration()
        configuration.http.port = addresses.port(of: .payments)
        configuration.saga = saga
        configuration.companyURL = url(of: .sandbox)
        return try PaymentServer(
            configuration: configuration, redis: redis, logger: logger,
            readiness: office.readiness)
    }

    private func inventory(_ redis: RedisClient, _ office: Office) throws -> InventoryServer {
        var configuration = InventoryServerConfiguration()
        configuration.http.port = addresses.port(of: .inventory)
        configuration.saga = saga
        return try InventoryServer(
            configuration: configuration, redis: redis, logger: logger,
            readiness: office.readiness)
    }

    private func shipping(_ redis: RedisClient, _ office: Office) throws -> ShippingServer {
        var configuration = ShippingServerConfiguration()
        configuration.http.port = addresses.port(of: .shipping)
        configuration.saga = saga
        configuration.carrierURL = url(of: .sandbox)
        return try ShippingServer(
            configuration: configuration, redis: redis, logger: logger,
            readiness: office.readiness)
    }

    private func sandbox(_ office: Office) throws -> SandboxServer {
        try DataFolder.create(settings.dataFolder)
        let configuration = SandboxServerConfiguration(
            path: "\(settings.dataFolder)/sandbox.jsonl", port: addresses.port(of: .sandbox))
        return try SandboxServer(
            configuration: configuration, readiness: office.readiness, logger: logger)
    }

    // MARK: - The gateway

    private func gateway(events: RedisClient, _ office: Office) throws -> [any Service] {
        let file = try GatewayFile.find(settings.gatewayFile, in: .ofThisProcess)
        var configuration = try GatewayFile.read(file)
        configuration.server.port = addresses.gateway
        if settings.gatewayFile == nil { configuration.pointUpstreams(at: addresses) }
        let redis = client(for: settings.cacheRedis ?? settings.redis, "troupe-cache")
        office.watch(redis, as: "cache")
        return CacheAndGateway.services(
            configuration, cache: redis, events: events, namespace: settings.namespace ?? "",
            logger: logger)
    }

    // MARK: - Shared parts

    private func client(for address: RedisAddress, _ name: String) -> RedisClient {
        var configuration = address.configuration
        configuration.clientName = name
        return RedisClient(configuration, logger: logger)
    }

    private var saga: SagaRuntimeConfiguration {
        var configuration = SagaRuntimeConfiguration()
        configuration.namespace = settings.namespace ?? ""
        return configuration
    }

    /// `USERS_URL` and the like name a neighbour that is elsewhere.
    private func url(of name: ServiceName) -> String {
        Surroundings.ofThisProcess.text(nil, "\(name.rawValue.uppercased())_URL")
            ?? addresses.url(of: name)
    }
}

extension GatewayConfiguration {
    /// Our own file names the usual ports; with another first port they are elsewhere.
    fileprivate mutating func pointUpstreams(at addresses: Addresses) {
        for index in upstreams.indices {
            guard let name = ServiceName(rawValue: upstreams[index].name) else { continue }
            upstreams[index].targets = [
                UpstreamTarget(host: Addresses.host, port: addresses.port(of: name))
            ]
        }
    }
}
