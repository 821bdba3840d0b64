public import Logging
public import ServiceHTTP
public import ServiceLifecycle
public import TroupeRedis

/// A service that is one collection: its records in Redis, shown and changed over HTTP.
public struct CollectionServer<Item: CollectionItem>: Service {
    private let server: ServiceServer
    private let seed: RecordSeed

    /// A service that runs as soon as ``run()`` is called.
    ///
    /// - Parameters:
    ///   - http: where it listens.
    ///   - namespace: stands before every key, so that systems can share one Redis.
    ///   - seeds: what a new system shows.
    ///   - redis: is used, not owned: whoever made it closes it.
    ///   - logger: gets a line per request.
    ///   - readiness: is told when the service begins to stop.
    public init(
        _ http: ServiceServerConfiguration, namespace: String,
        seeds: [RecordCollection<Item>.Entry], redis: RedisClient, logger: Logger,
        readiness: Readiness? = nil
    ) {
        let collection = RecordCollection<Item>(redis: redis, namespace: namespace)
        server = ServiceServer(
            name: Item.plural, configuration: http,
            router: CollectionRoutes(collection).router(logger: logger), readiness: readiness,
            logger: logger)
        seed = RecordSeed(collection, seeds, logger: logger)
    }

    /// The port, once the service listens.
    public var boundPort: BoundPort { server.boundPort }

    /// Runs until the graceful stop.
    public func run() async throws {
        try await server.run(with: [seed])
    }
}
