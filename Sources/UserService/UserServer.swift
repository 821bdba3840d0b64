public import Logging
public import Redis
public import ServiceHTTP
public import ServiceLifecycle

/// The user service: its records in Redis, shown and changed over HTTP.
public struct UserServer: Service {
    private let store: UserDirectory
    private let server: ServiceServer
    private let logger: Logger

    /// A service that runs as soon as ``run()`` is called.
    ///
    /// - Parameters:
    ///   - configuration: where it listens, and its namespace.
    ///   - redis: is used, not owned: whoever made it closes it.
    ///   - logger: gets a line per request.
    ///   - readiness: is told when the service begins to stop.
    public init(
        configuration: UserServerConfiguration, redis: RedisClient, logger: Logger,
        readiness: Readiness? = nil
    ) {
        store = UserDirectory(redis: redis, namespace: configuration.namespace)
        server = ServiceServer(
            name: "users", configuration: configuration.http,
            router: UserRoutes(store: store).router(logger: logger), readiness: readiness,
            logger: logger)
        self.logger = logger
    }

    /// The port, once the service listens.
    public var boundPort: BoundPort { server.boundPort }

    /// Runs until the graceful stop.
    public func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            group.addTask { await UserSeed.plant(in: store, logger: logger) }
            for try await _ in group {}
        }
    }
}
