import InventoryService
import Logging
import OrderContracts
import OrderService
import PaymentService
import Saga
import SagaRedis
import ServiceHTTP
import ServiceLifecycle
import ShippingService
import Testing
import TroupeRedis
import TroupeRedisTestKit

/// The four services in this process on a real Redis, with a payment company, a carrier and a
/// catalog in memory.
///
/// Each service has a host of its own, so that a test can bring one down and up again.
struct OrderSystem: Sendable {
    /// What a test may want to be different.
    struct Settings: Sendable {
        var deadline: Duration = .seconds(30)
        var giveUpAfter: Duration = .seconds(10)
        var catalog: (any Catalog)? = FixedCatalog()
        var usersURL = ""
        var productsURL = ""
        /// Where payment company and carrier are, if not in memory.
        var sandboxURL: String?
        /// Those of another system, where one is started beside it.
        var company = BookkeepingCompany()
        var carrier = BookkeepingCarrier()
        var saga: SagaRuntimeConfiguration

        init(namespace: String) {
            saga = .orderSystem
            saga.namespace = namespace
            saga.lease = .milliseconds(500)
            saga.drainInterval = .milliseconds(100)
            saga.retry = RetrySchedule(
                pauseMinimum: .milliseconds(10), pauseMaximum: .milliseconds(100))
        }
    }

    let settings: Settings
    let redis: RedisClient
    let company: BookkeepingCompany
    let carrier: BookkeepingCarrier
    let order: Host<OrderServer>
    let payment: Host<PaymentServer>
    let inventory: Host<InventoryServer>
    let shipping: Host<ShippingServer>

    /// Starts the system in a namespace of its own, runs `body`, and takes everything down.
    static func run(
        on server: RedisServer = .current, port: Int? = nil,
        _ change: (inout Settings) -> Void = { _ in },
        _ body: (OrderSystem) async throws -> Void
    ) async throws {
        var settings = Settings(namespace: "t\(UInt32.random(in: .min ... .max))")
        change(&settings)
        let redis = server.client {
            if let port { $0.address = .tcp(host: "127.0.0.1", port: port) }
        }
        let system = OrderSystem(settings, redis)
        do {
            try await system.start()
            try await body(system)
        } catch {
            await system.stop()
            throw error
        }
        await system.stop()
    }

    private init(_ settings: Settings, _ redis: RedisClient) {
        self.settings = settings
        self.redis = redis
        let logger = Logger.silent
        let (company, carrier) = (settings.company, settings.carrier)
        self.company = company
        self.carrier = carrier
        order = Host {
            var configuration = OrderServerConfiguration()
            configuration.http.port = 0
            configuration.saga = settings.saga
            configuration.deadline = settings.deadline
            configuration.usersURL = settings.usersURL
            configuration.productsURL = settings.productsURL
            return try OrderServer(
                configuration: configuration, redis: redis, logger: logger,
                catalog: settings.catalog)
        }
        payment = Host {
            var configuration = PaymentServerConfiguration()
            configuration.http.port = 0
            configuration.saga = settings.saga
            configuration.giveUpAfter = settings.giveUpAfter
            configuration.callTimeout = .milliseconds(500)
            configuration.companyURL = settings.sandboxURL ?? ""
            return try PaymentServer(
                configuration: configuration, redis: redis, logger: logger,
                company: settings.sandboxURL == nil ? company : nil)
        }
        inventory = Host {
            var configuration = InventoryServerConfiguration()
            configuration.http.port = 0
            configuration.saga = settings.saga
            return try InventoryServer(configuration: configuration, redis: redis, logger: logger)
        }
        shipping = Host {
            var configuration = ShippingServerConfiguration()
            configuration.http.port = 0
            configuration.saga = settings.saga
            configuration.giveUpAfter = settings.giveUpAfter
            configuration.carrierURL = settings.sandboxURL ?? ""
            return try ShippingServer(
                configuration: configuration, redis: redis, logger: logger,
                carrier: settings.sandboxURL == nil ? carrier : nil)
        }
    }

    private func start() async throws {
        try await order.start()
        try await payment.start()
        try await inventory.start()
        try await shipping.start()
        try await eventually("the stock is seeded") {
            try await stock("5")?.available == 5
        }
    }

    private func stop() async {
        await company.gate.open()
        await carrier.gate.open()
        await order.crash()
        await payment.crash()
        await inventory.crash()
        await shipping.crash()
        await redis.shutdown()
    }

    // MARK: - What a test does

    var orders: Orders {
        get async throws { try await order.current.orders }
    }

    func place(_ request: OrderRequest = .ordinary) async throws -> OrderID {
        try await orders.place(request).order.id
    }

    /// The order once it has ended.
    func ended(
        _ id: OrderID, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> Order {
        let order = try await orders.order(id, endedWithin: .seconds(20))
        if !order.hasEnded {
            Issue.record("order \(id) is still \(order.status)", sourceLocation: sourceLocation)
        }
        return order
    }

    func stock(_ product: String) async throws -> StockLevel? {
        try await inventory.current.stock.level(of: ProductID(wellFormed: product))
    }

    /// Waits until nothing moves any more, then checks that stock, money and shipments add up.
    func addsUp(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let completed = try await stockAddsUp(sourceLocation: sourceLocation)
        let pieces = completed.reduce(0) { $0 + $1.quantity }
        let money = completed.reduce(0) { $0 + $1.total.amount }
        try await eventually(
            "\(pieces) pieces are on their way", sourceLocation: sourceLocation
        ) { await carrier.dispatchedPieces == pieces }
        #expect(await company.net == money, sourceLocation: sourceLocation)
        #expect(await carrier.openCount == 0, sourceLocation: sourceLocation)
    }

    /// Waits until nothing is reserved, checks the stock, and answers the completed orders.
    func stockAddsUp(
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> [Order] {
        let orders = try await self.orders.list(limit: 10_000).filter { $0.id.text != "1" }
        let completed = orders.filter { $0.status == .completed }
        let pieces = completed.reduce(0) { $0 + $1.quantity }
        #expect(!orders.contains { !$0.hasEnded }, sourceLocation: sourceLocation)
        // One piece was shipped with the demo's order.
        try await eventually("nothing is reserved", sourceLocation: sourceLocation) {
            let levels = try await levels()
            return levels.allSatisfy { $0.reserved == 0 }
                && levels.reduce(0) { $0 + $1.shipped } == pieces + 1
        }
        let total = try await levels().reduce(0) { $0 + $1.available + $1.shipped }
        #expect(total == 1856, "stock is conserved", sourceLocation: sourceLocation)
        #expect(try await deadLetters() == 0, sourceLocation: sourceLocation)
        return completed
    }

    private func levels() async throws -> [StockLevel] {
        var levels: [StockLevel] = []
        for product in 1...5 {
            if let level = try await stock(String(product)) { levels.append(level) }
        }
        return levels
    }

    func deadLetters() async throws -> Int { try await sum("XLEN") { $0.dead($1) } }

    func blocked() async throws -> Int { try await sum("ZCARD") { $0.blocked($1) } }

    private func sum(_ command: String, of key: (SagaKeys, String) -> String) async throws -> Int {
        let keys = SagaKeys(namespace: settings.saga.namespace)
        var count = 0
        for service in ["order", "payment", "inventory", "shipping"] {
            let argument = RedisArgument.string(key(keys, service))
            count += try await redis.send(RedisCommand(command, [argument])).integer ?? 0
        }
        return count
    }
}

extension OrderRequest {
    /// One piece of product 1 for user 1, paid with a good card, to the Netherlands.
    static let ordinary = order()

    static func order(
        product: String = "1", quantity: Int = 1, token: String = "tok_visa",
        country: String = "NL"
    ) -> OrderRequest {
        OrderRequest(
            userID: UserID(wellFormed: "1"), productID: ProductID(wellFormed: product),
            quantity: quantity, payment: PaymentMethod(token: token),
            shipping: ShippingAddress(
                street: "Oudegracht 1", city: "Utrecht", postcode: "3511", country: country))
    }
}

extension SagaKeys {
    /// The ledger of a participant of one route.
    func ledger(_ sagaID: String, service: String) -> String {
        ledger(named: sagaID, by: SagaNaming([]), service: service)
    }
}
