import HTTPTypes
public import Hummingbird
import Logging
import Observability

//  request ──► name and trace ──► size of target and headers ──► route ──► handler
//                                          │                       │          │
//                                       414, 431                404, 405   problem
//                                          └───────────┬───────────┴──────────┘
//  answer  ◄── X-Request-Id ◄── metrics, log ◄─────────┘

/// Answers one request on a service's routes; made by ``ServiceRouter``.
public struct ServiceResponder: HTTPResponder {
    let routes: RouterResponder<ServiceContext>
    let table: RouteTable
    let limits: ServiceServerConfiguration
    let logger: Logger
    let log: RequestLog?
    let failures: FailureLog

    /// The answer.
    ///
    /// Never throws: errors are answers too.
    public func respond(to request: Request, context: ServiceContext) async throws -> Response {
        let start = ContinuousClock.now
        let context = named(context, for: request)
        var response = await answer(to: request, context)
        response.headers[.xRequestID] = context.requestID.description
        log?.record(
            request, response, route: route(of: context), took: ContinuousClock.now - start,
            logger: context.logger)
        return response
    }

    private func named(_ context: ServiceContext, for request: Request) -> ServiceContext {
        var context = context
        context.bodySizeMaximum = limits.bodySizeMaximum
        if let name = request.headers[.xRequestID].flatMap(RequestName.init(accepting:)) {
            context.requestID = name
        }
        if let caller = request.headers[.traceparent].flatMap(TraceContext.init(traceparent:)) {
            context.trace = caller.child()
        }
        context.logger = logger
        context.logger[metadataKey: "request_id"] = "\(context.requestID)"
        context.logger[metadataKey: "trace_id"] = "\(context.trace.traceID)"
        return context
    }

    private func answer(to request: Request, _ context: ServiceContext) async -> Response {
        do {
            try checkSizes(of: request)
            let origin = CallOrigin(trace: context.trace, requestID: context.requestID)
            let response = try await CallOrigin.$current.withValue(origin) {
                try await routes.respond(to: request, context: context)
            }
            guard route(of: context) == nil else { return response }
            throw missing(request)
        } catch {
            let problem = Problem(describing: error)
            failures.record(problem, of: request, context)
            return problem.answer(to: request, requestID: context.requestID)
        }
    }

    private func checkSizes(of request: Request) throws(Problem) {
        guard (request.head.path?.utf8.count ?? 0) <= limits.targetSizeMaximum else {
            throw Problem(
                .uriTooLong, code: "target_too_long",
                detail: "Path and query may have at most \(limits.targetSizeMaximum) bytes.")
        }
        let size = request.headers.reduce(0) { size, field in
            size + field.name.rawName.utf8.count + field.value.utf8.count
        }
        guard size <= limits.headerSizeMaximum else {
            throw Problem(
                .requestHeaderFieldsTooLarge, code: "headers_too_large",
                detail: "Header fields may have at most \(limits.headerSizeMaximum) bytes.")
        }
    }

    private func missing(_ request: Request) -> Problem {
        guard let allowed = table.allowedMethods(at: request.uri.path) else {
            return .notFound("There is nothing at this path.")
        }
        return Problem(
            .methodNotAllowed, code: "method_not_allowed",
            detail: "This path allows \(allowed) only.", headers: [.allow: allowed])
    }

    /// The template of the route, or nil if none was found.
    private func route(of context: ServiceContext) -> String? {
        let path = context.endpointPath
        return path == "NotFound" ? nil : path
    }
}

extension HTTPField.Name {
    static let xRequestID = HTTPField.Name("X-Request-Id") ?? .cookie
    static let traceparent = HTTPField.Name("traceparent") ?? .cookie
}
