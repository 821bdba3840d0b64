import Logging
import NIOCore
import Observability

/// A request's way through the gateway.
///
///     receive ─► route ─► look up ─┬─ hit ──────────────────────────────► render ─► log
///                                  └─ fetch parts ─► aggregate ─► store ─► render ─► log
///
/// Each phase is one method. `receive` is the connection's: it hands over whole heads and bodies.
/// What stands before the fork runs on the connection's event loop and never waits; what follows
/// a miss runs in a task. Between `route` and `lookUp` is the place of authentication and limits,
/// before `render` that of authorisation: they decide from an `Exchange` and answer a problem.
final class RequestPhases: Sendable {
    /// What is known of a request once the event loop has done its part.
    enum Verdict {
        /// Memory has the answer.
        case hit(CompiledRoute, StoredResponse)
        /// The gateway itself has the answer.
        case answered(GatewayProblem)
        /// A list of methods is the answer.
        case options(allow: String)
        /// Somebody has to be asked.
        case ask(Exchange)
    }

    let cache: ResponseCache
    let upstreams: UpstreamDirectory
    let accessLog: AccessLog
    let router: Router
    let routes: [CompiledRoute]
    /// Changes that are looked after once more.
    let lateChanges = LateChanges(limit: 10_000)
    /// Changes that are being told and that nobody waits for.
    let changes = TaskTally()
    /// What is counted under no route.
    private let unrouted: RouteMetrics

    init(
        _ configuration: GatewayConfiguration, cache: ResponseCache, upstreams: UpstreamDirectory,
        logger: Logger
    ) throws(GatewayError) {
        do throws(Router.Conflict) {
            router = try Router(configuration.routes.map { ($0.path, $0.methods) })
        } catch {
            let name = configuration.routes[error.second].name
            throw GatewayError(.invalidConfiguration, "route `\(name)` can never be reached")
        }
        let changes = configuration.routes.contains { $0.methods.contains { !$0.isSafe } }
        routes = configuration.routes.map {
            CompiledRoute($0, upstreams: configuration.upstreams, tagsPaths: changes)
        }
        unrouted = RouteMetrics(route: "none")
        accessLog = AccessLog(configuration.server.accessLog, logger: logger)
        self.cache = cache
        self.upstreams = upstreams
    }

    /// Runs first of all phases after the head has been read: which route is meant.
    func route(_ head: RequestHead) -> Router.Match {
        router.match(head.target.path, head.method)
    }

    /// The query in the form that key and upstream have in common.
    ///
    /// As it came where nothing is looked up: what a route's cache does without may still matter
    /// to who changes something.
    private static func query(of head: RequestHead, _ route: CompiledRoute) -> String? {
        guard let query = head.target.query else { return nil }
        guard let policy = route.policy, isLookedUp(head) else { return String(buffer: query) }
        return QueryText.canonical(query, keeping: policy.varyingQuery)
    }

    private static func isLookedUp(_ head: RequestHead) -> Bool {
        head.method == .get || head.method == .head
    }

    /// Runs on the event loop once the route is known: whether memory has the answer.
    ///
    /// Requests with credentials, or with wishes about caching where they count, are not hits here;
    /// the cache judges them when they are asked for.
    func lookUp(
        _ head: RequestHead, _ route: CompiledRoute, query: String?, at moment: Moment,
        keys: inout CacheKey.Builder
    ) -> (CacheKey?, StoredResponse?) {
        guard let policy = route.policy, Self.isLookedUp(head) else { return (nil, nil) }
        keys.begin(route: route.meaning)
        head.target.path.withUnsafeReadableBytes { keys.add($0) }
        keys.add(query ?? "")
        for name in policy.varyingFields { keys.add(varying: head.joined(name)) }
        let key = keys.key
        let isPlain =
            (!policy.obeysClient || !head.contains(.cacheControl) && !head.contains(.pragma))
            && (policy.scope == .shared
                || !head.contains(.authorization) && !head.contains(.cookie))
        return (key, isPlain ? cache.lookUp(key, at: moment) : nil)
    }

    /// Routes and looks up: all that happens before anybody is asked.
    func judge(
        _ head: RequestHead, at moment: Moment, connection: ConnectionIdentity,
        keys: inout CacheKey.Builder, namer: inout RequestNamer
    ) -> Verdict {
        switch route(head) {
        case .notFound: return .answered(.notFound)
        case .methodNotAllowed(let allow): return .answered(.methodNotAllowed(allow))
        case .options(let allow): return .options(allow: allow)
        case .route(let index, let parameters):
            let route = routes[index]
            let query = Self.query(of: head, route)
            let (key, found) = lookUp(head, route, query: query, at: moment, keys: &keys)
            if let found { return .hit(route, found) }
            let name =
                head.first(.requestID).flatMap { RequestName(accepting: $0)?.description }
                ?? namer.next()
            return .ask(
                Exchange(
                    route: route, head: head, parameters: parameters, query: query, key: key,
                    name: name, peer: connection.peer, began: moment,
                    eventLoop: connection.eventLoop))
        }
    }

    /// Runs in a task for a request that memory cannot answer, body included.
    func ask(_ exchange: Exchange) async -> Answer {
        guard let policy = exchange.route.policy, let key = exchange.key else {
            return await forward(exchange)
        }
        let isHeard = policy.obeysClient
        let request = CacheRequest(
            hasCredentials: exchange.hasCredentials && policy.scope == .anonymous,
            cacheControl: isHeard ? exchange.head.joined("cache-control") : nil,
            pragma: isHeard ? exchange.head.first(.pragma) : nil)
        let tags = exchange.route.tags(
            at: String(buffer: exchange.head.target.path), exchange.parameter)
        do {
            let answer = try await cache.response(
                for: key, policy: policy, request: request, tags: tags
            ) { scope in
                await scope.watch(tags)
                return await self.fetchParts(
                    exchange, policy: request.hasCredentials ? nil : policy, scope: scope)
            }
            return Answer(.stored(answer.response), cacheStatus: answer.status)
        } catch {
            return Answer(.overloaded, requestName: exchange.name)
        }
    }

    /// Runs last, once the answer has been handed to the connection; every request ends here.
    func log(_ ended: EndedRequest) {
        let metrics = ended.route?.metrics ?? unrouted
        metrics.count(
            ended.method, status: ended.status, cache: ended.cacheStatus,
            nanoseconds: ended.nanoseconds)
    }
}

/// Who a connection belongs to, as requests are told.
struct ConnectionIdentity: Sendable {
    /// The address without its port.
    let peer: String
    let port: Int
    let eventLoop: any EventLoop

    init(_ channel: any Channel) {
        peer = channel.remoteAddress?.ipAddress ?? "unknown"
        port = channel.remoteAddress?.port ?? 0
        eventLoop = channel.eventLoop
    }

    /// Address and port, that of an IPv6 address in brackets.
    var authority: String { UpstreamTarget(host: peer, port: port).authority }
}
