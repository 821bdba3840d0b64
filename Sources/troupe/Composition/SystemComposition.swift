import AsyncHTTPClient
import Gateway
import GatewayRedis
import InventoryService
import Logging
import OrderContracts
import OrderService
import PaymentService
import ProductService
import Saga
import SandboxService
import ServiceHTTP
import ServiceLifecycle
import ShippingService
import TroupeRedis
import UserService

/// What the processes of the system are made of; `up` runs all of it in one.
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
struct SystemComposition {
    let settings: SystemSettings
    let addresses: Addresses
    let excluded: Set<SystemService>
    let logger: Logger

    /// What runs in one process, in the order of the start.
    struct Services {
        var all: [any Service]
        var readiness: Readiness
        var gateway: GatewayServer?

        /// Ends readiness, and the waits that clients only prefer; their answers say that they
        /// are the last of their connection.
        @Sendable func announceStop() {
            gateway?.announceStop()
            readiness.beginDraining()
        }
    }

    /// Everything, in the order of the start; it stops in reverse: the gateway first, so that
    /// nothing new comes in, then who calls before who is called, clients and admin last.
    func services() throws -> Services {
        let admin = admin(addresses.admin)
        let redis = client(for: settings.redis, "troupe")
        let names = SystemService.startOrder.filter { !excluded.contains($0) }
        let watch = RedisWatch(
            redis,
            as: .everything(
                names, namespace: settings.namespace, withCache: settings.cacheRedis == nil))
        admin.readiness.add(.redis("redis", watch, degrades: false))
        let services = try names.map { try service($0, redis: redis, admin) }
        let cache = client(for: settings.cacheRedis ?? settings.redis, "troupe-cache")
        let gateway = try gateway(cache: cache, events: redis, watch, admin)
        return Services(
            all: [admin, redis] + services + [cache] + gateway.services,
            readiness: admin.readiness, gateway: gateway.server)
    }

    /// One of the services in a process of its own, with what it needs.
    func services(only name: SystemService) throws -> Services {
        let admin = admin(Addresses.admin(of: addresses.port(of: name)))
        let redis = client(for: settings.redis, "troupe-\(name.rawValue)")
        if let role = RedisRole.services([name], namespace: settings.namespace) {
            admin.readiness.add(.redis("redis", RedisWatch(redis, as: role), degrades: false))
        }
        // What faces clients goes on serving for a while.
        let alone = try service(name, redis: redis, admin, grace: settings.grace)
        return Services(all: [admin, redis, alone], readiness: admin.readiness)
    }

    /// The gateway in a process of its own.
    ///
    /// It answers without a Redis too, only slower: so it stays ready while that is away.
    func gatewayAlone() throws -> Services {
        let admin = admin(addresses.admin)
        let redis = client(for: settings.redis, "troupe-gateway")
        var role = RedisRole.events(namespace: settings.namespace)
        if settings.cacheRedis == nil {
            role = role.joined(with: .cache(namespace: settings.namespace))
        }
        let watch = RedisWatch(redis, as: role)
        admin.readiness.add(.redis("redis", watch, degrades: true))
        let cache = client(for: settings.cacheRedis ?? settings.redis, "troupe-cache")
        let gateway = try gateway(cache: cache, events: redis, watch, admin)
        return Services(
            all: [admin, redis, cache] + gateway.services, readiness: admin.readiness,
            gateway: gateway.server)
    }

    /// Compares the books of payment company and carrier with the ledgers, once.
    ///
    /// One company that cannot be asked keeps nobody from the other.
    ///
    /// - Parameter undos: how many may be made; nil if nothing is to be done at all.
    /// - Throws: what the first of them throws, if neither could be compared.
    func reconcile(undos: Int?, on redis: RedisClient) async throws -> OutsideReport {
        // Who asks twice must not set up the process's metrics twice.
        let readiness = Readiness()
        var saga = saga
        saga.reconciliationUndosMaximum = undos ?? 0
        let http = ServiceServerConfiguration(port: 0)
        let payments = try payments(http, redis, readiness, saga)
        let shipping = try shipping(http, redis, readiness, saga)
        var report = OutsideReport()
        var faults: [any Error] = []
        for reconcile in [payments.reconcile, shipping.reconcile] {
            do {
                report = report + (try await reconcile(undos != nil))
            } catch {
                faults.append(error)
            }
        }
        guard faults.count < 2 else { throw faults[0] }
        report.unread = faults.map { "\($0)" }
        return report
    }

    /// Once in a process.
    private func admin(_ port: Int) -> AdminServer {
        var configuration = ServiceServerConfiguration(port: port)
        configuration.host = addresses.place.adminHost
        return AdminServer.bootstrap(configuration, logger: logger)
    }

    // MARK: - Services

    private func service(
        _ name: SystemService, redis: RedisClient, _ admin: AdminServer, grace: Duration = .zero
    ) throws -> any Service {
        var http = ServiceServerConfiguration(port: addresses.port(of: name))
        http.host = addresses.place.host
        http.grace = grace
        return switch name {
        case .users: try users(http, redis, admin)
        case .products: try products(http, redis, admin)
        case .orders: try orders(http, redis, admin)
        case .payments: try payments(http, redis, admin.readiness)
        case .inventory: try inventory(http, redis, admin)
        case .shipping: try shipping(http, redis, admin.readiness)
        case .sandbox: try sandbox(http, admin)
        }
    }

    private func users(
        _ http: ServiceServerConfiguration, _ redis: RedisClient, _ admin: AdminServer
    ) throws -> UserServer {
        var configuration = UserServerConfiguration()
        configuration.http = http
        configuration.namespace = settings.namespace ?? ""
        return UserServer(
            configuration: configuration, redis: redis, logger: logger,
            readiness: admin.readiness)
    }

    private func products(
        _ http: ServiceServerConfiguration, _ redis: RedisClient, _ admin: AdminServer
    ) throws -> ProductServer {
        var configuration = ProductServerConfiguration()
        configuration.http = http
        configuration.namespace = settings.namespace ?? ""
        return ProductServer(
            configuration: configuration, redis: redis, logger: logger,
            readiness: admin.readiness)
    }

    private func orders(
        _ http: ServiceServerConfiguration, _ redis: RedisClient, _ admin: AdminServer
    ) throws -> OrderServer {
        var configuration = OrderServerConfiguration()
        configuration.http = http
        configuration.saga = saga
        configuration.usersURL = url(of: .users)
        configuration.productsURL = url(of: .products)
        if let deadline = settings.orderDeadline { configuration.deadline = deadline }
        return try OrderServer(
            configuration: configuration, redis: redis, logger: logger,
            readiness: admin.readiness)
    }

    private func payments(
        _ http: ServiceServerConfiguration, _ redis: RedisClient, _ readiness: Readiness,
        _ saga: SagaRuntimeConfiguration? = nil
    ) throws -> PaymentServer {
        var configuration = PaymentServerConfiguration()
        configuration.http = http
        configuration.saga = saga ?? self.saga
        configuration.companyURL = url(of: .sandbox)
        configuration.company = settings.companies.applied(to: configuration.company)
        configuration.giveUpAfter =
            settings.limits.giveUpAfter
            ?? min(configuration.giveUpAfter, configuration.saga.giveUpAfterInUse)
        return try PaymentServer(
            configuration: configuration, redis: redis, logger: logger,
            readiness: readiness)
    }

    private func inventory(
        _ http: ServiceServerConfiguration, _ redis: RedisClient, _ admin: AdminServer
    ) throws -> InventoryServer {
        var configuration = InventoryServerConfiguration()
        configuration.http = http
        configuration.saga = saga
        return try InventoryServer(
            configuration: configuration, redis: redis, logger: logger,
            readiness: admin.readiness)
    }

    private func shipping(
        _ http: ServiceServerConfiguration, _ redis: RedisClient, _ readiness: Readiness,
        _ saga: SagaRuntimeConfiguration? = nil
    ) throws -> ShippingServer {
        var configuration = ShippingServerConfiguration()
        configuration.http = http
        configuration.saga = saga ?? self.saga
        configuration.carrierURL = url(of: .sandbox)
        configuration.carrier = settings.companies.applied(to: configuration.carrier)
        configuration.giveUpAfter =
            settings.limits.giveUpAfter
            ?? min(configuration.giveUpAfter, configuration.saga.giveUpAfterInUse)
        return try ShippingServer(
            configuration: configuration, redis: redis, logger: logger,
            readiness: readiness)
    }

    private func sandbox(
        _ http: ServiceServerConfiguration, _ admin: AdminServer
    ) throws -> SandboxServer {
        try DataFolder.create(settings.dataFolder)
        var configuration = SandboxServerConfiguration(
            path: "\(settings.dataFolder)/sandbox.jsonl", port: http.port)
        configuration.http = http
        return try SandboxServer(
            configuration: configuration, readiness: admin.readiness, logger: logger)
    }

    // MARK: - The gateway

    private func gateway(
        cache: RedisClient, events: RedisClient, _ watch: RedisWatch, _ admin: AdminServer
    ) throws -> CachingGateway {
        let file = try GatewayFile.find(settings.gatewayFile, in: .ofThisProcess)
        var configuration = try GatewayFile.read(file)
        configuration.server.port = addresses.gateway
        if settings.hostIsNamed { configuration.server.host = addresses.place.host }
        if settings.gatewayFile == nil || settings.startsServices {
            configuration.pointUpstreams(
                at: addresses, without: excluded, ofOwnFile: settings.gatewayFile == nil)
        }
        if settings.cacheRedis != nil {
            let watch = RedisWatch(cache, as: .cache(namespace: settings.namespace))
            admin.readiness.add(.redis("cache", watch, degrades: true))
        }
        let gateway = CachingGateway(
            configuration, redis: cache, events: events, namespace: settings.namespace ?? "",
            grace: settings.grace, logger: logger)
        admin.readiness.add(
            .feed(status: { gateway.feed.status }, unless: { await watch.mayPass() }))
        return gateway
    }

    // MARK: - Shared parts

    private func client(for address: RedisAddress, _ name: String) -> RedisClient {
        var configuration = address.configuration
        configuration.clientName = name
        return RedisClient(configuration, logger: logger)
    }

    private var saga: SagaRuntimeConfiguration {
        var configuration = SagaRuntimeConfiguration.orderSystem
        configuration.namespace = settings.namespace ?? ""
        configuration.shortestDeadline =
            settings.orderDeadline ?? OrderServerConfiguration().deadline
        return settings.limits.applied(to: configuration)
    }

    /// `USERS_URL` and the like name a neighbour that is elsewhere.
    private func url(of name: SystemService) -> String {
        EnvironmentOptions.ofThisProcess.text(nil, "\(name.rawValue.uppercased())_URL")
            ?? addresses.url(of: name)
    }
}
