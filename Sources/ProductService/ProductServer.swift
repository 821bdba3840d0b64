public import Logging
import Saga
import SagaHTTP
public import SagaRedis
public import ServiceHTTP
public import ServiceLifecycle
public import TroupeRedis

/// The product service: its records in Redis, shown and changed over HTTP.
public struct ProductServer: Service {
    private let server: CollectionServer<Product>

    /// A service that runs as soon as ``run()`` is called.
    ///
    /// - Parameters:
    ///   - configuration: where it listens, and its namespace.
    ///   - redis: is used, not owned: whoever made it closes it.
    ///   - logger: gets a line per request.
    ///   - readiness: is told when the service begins to stop.
    public init(
        configuration: ProductServerConfiguration, redis: RedisClient, logger: Logger,
        readiness: Readiness? = nil
    ) {
        server = CollectionServer(
            configuration.http, namespace: configuration.namespace, seeds: ProductSeed.products,
            redis: redis, logger: logger, readiness: readiness)
    }

    /// What it keeps under one name, whatever its products.
    public static func standingKeys(_ names: SagaKeys) -> [RedisStandingKey] {
        RecordCollection<Product>.standingKeys(names)
    }

    /// The port, once the service listens.
    public var boundPort: BoundPort { server.boundPort }

    /// Runs until the graceful stop.
    public func run() async throws {
        try await server.run()
    }
}
