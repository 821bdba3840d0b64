public import HTTPTypes
public import Hummingbird
public import Logging

/// Collects the routes of a service and answers every error on them as a ``Problem``.
///
///     let router = ServiceRouter(service: "users", logger: logger)
///     router.get("/users/{id}") { request, context in
///         let user = try await users.user(try context.pathID())
///         return .json { user.write(to: &$0) }
///     }
///
/// `HEAD` comes with every `GET`. A path that does not exist is a 404, a method that a path does
/// not have a 405 with `Allow`. Errors other than problems become a 500 that tells nothing, unless
/// `problem` knows what they mean to a client.
public final class ServiceRouter: HTTPResponderBuilder {
    /// What a route does.
    public typealias Handler =
        @Sendable (Request, ServiceContext) async throws -> Response

    private let service: String
    private let logger: Logger
    private let translate: @Sendable (any Error) -> Problem?
    private let isLogged: Bool
    private let failures: FailureLog
    private let router: Router<ServiceContext>
    private var table = RouteTable()

    /// An empty router.
    ///
    /// - Parameters:
    ///   - service: The service's name in metrics.
    ///   - logger: Gets one line per request at `info`, failures of ours at `error`, and at
    ///     `warning` those that may pass, like ones together.
    ///   - problem: What an error means to a client; nil leaves it an internal error.
    public convenience init(
        service: String, logger: Logger,
        problem: @escaping @Sendable (any Error) -> Problem? = { _ in nil }
    ) {
        self.init(service: service, logger: logger, isLogged: true, problem: problem)
    }

    init(
        service: String, logger: Logger, isLogged: Bool,
        problem: @escaping @Sendable (any Error) -> Problem? = { _ in nil }
    ) {
        self.service = service
        self.logger = logger
        self.isLogged = isLogged
        self.failures = FailureLog(service: service, logger: logger)
        self.translate = problem
        self.router = Router(context: ServiceContext.self, options: [.autoGenerateHeadEndpoints])
    }

    /// A route for `GET`, and `HEAD` with it.
    ///
    /// Parameters stand in braces: `/users/{id}`.
    public func get(_ path: String, _ handler: @escaping Handler) {
        on(.get, path, handler)
    }

    /// A route for `POST`.
    public func post(_ path: String, _ handler: @escaping Handler) {
        on(.post, path, handler)
    }

    /// A route for `PUT`.
    public func put(_ path: String, _ handler: @escaping Handler) {
        on(.put, path, handler)
    }

    /// A route for `PATCH`.
    public func patch(_ path: String, _ handler: @escaping Handler) {
        on(.patch, path, handler)
    }

    /// A route for `DELETE`.
    public func delete(_ path: String, _ handler: @escaping Handler) {
        on(.delete, path, handler)
    }

    /// A route for any method.
    public func on(_ method: HTTPRequest.Method, _ path: String, _ handler: @escaping Handler) {
        table.add(method, path)
        let (translate, failures) = (translate, failures)
        router.on(RouterPath(path), method: method) { request, context -> Response in
            do {
                return try await handler(request, context)
            } catch {
                // The framework answers a problem by itself, so it is written down here.
                let problem = translate(error) ?? Problem(describing: error)
                failures.record(problem, of: request, context)
                throw problem
            }
        }
    }

    /// The finished routes, with the default limits, as a server or a test uses them.
    public func buildResponder() -> ServiceResponder {
        buildResponder(limits: ServiceServerConfiguration(port: 0))
    }

    func buildResponder(limits: ServiceServerConfiguration) -> ServiceResponder {
        ServiceResponder(
            routes: router.buildResponder(), table: table, limits: limits, logger: logger,
            log: isLogged ? RequestLog(service: service) : nil, failures: failures)
    }
}
