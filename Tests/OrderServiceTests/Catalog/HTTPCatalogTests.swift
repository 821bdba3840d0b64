import Logging
import OrderContracts
import OrderService
import ProductService
import ServiceHTTP
import Testing
import TroupeRedis
import TroupeRedisTestKit
import UserService

/// The catalog against the real user and product services.
@Suite(.redisServer, .timeLimit(.minutes(1)))
struct HTTPCatalogTests {
    @Test func priceIsTheProductsIfBothExist() async throws {
        try await withCatalog { catalog in
            try await eventually("users and products are seeded") {
                try await price(catalog, "1", "1") == .success(1999)
            }
            #expect(try await price(catalog, "1", "nobody") == .failure("unknown_user"))
            #expect(try await price(catalog, "nothing", "1") == .failure("unknown_product"))
            #expect(try await price(catalog, "nothing", "nobody") == .failure("unknown_user"))
        }
    }

    @Test func servicesAwayMakeItUnavailableAtOnce() async throws {
        let nobody = JSONClient(baseURL: "http://127.0.0.1:1")
        let start = ContinuousClock.now

        let price = try await price(HTTPCatalog(users: nobody, products: nobody), "1", "1")
        #expect(price == .failure("unavailable"))
        #expect(ContinuousClock.now - start < .seconds(20))
        await nobody.shutdown()
    }

    private enum Price: Equatable {
        case success(Int)
        case failure(String)
    }

    private func price(
        _ catalog: HTTPCatalog, _ product: String, _ user: String
    ) async throws -> Price {
        do {
            let price = try await catalog.price(
                of: ProductID(wellFormed: product), for: UserID(wellFormed: user))
            return .success(price.amount)
        } catch {
            return .failure(error.code.description)
        }
    }

    private func withCatalog(_ body: (HTTPCatalog) async throws -> Void) async throws {
        let redis = RedisServer.current.client()
        let namespace = "c\(UInt32.random(in: .min ... .max))"
        let logger = Logger.silent
        let users = Host {
            var configuration = UserServerConfiguration()
            configuration.http.port = 0
            configuration.namespace = namespace
            return UserServer(configuration: configuration, redis: redis, logger: logger)
        }
        let products = Host {
            var configuration = ProductServerConfiguration()
            configuration.http.port = 0
            configuration.namespace = namespace
            return ProductServer(configuration: configuration, redis: redis, logger: logger)
        }
        try await users.start()
        try await products.start()
        let clients = [
            JSONClient(baseURL: "http://127.0.0.1:\(try await users.current.boundPort.value)"),
            JSONClient(baseURL: "http://127.0.0.1:\(try await products.current.boundPort.value)"),
        ]
        try await body(HTTPCatalog(users: clients[0], products: clients[1]))
        for client in clients { await client.shutdown() }
        await users.crash()
        await products.crash()
        await redis.shutdown()
    }
}
