import NIOCore
import NIOHTTP1

// The phases that ask upstreams. They run in tasks; each call runs on the connection's event loop.

extension RequestPhases {
    /// Runs on a miss: asks one upstream, or each that an aggregate needs.
    ///
    /// - Parameter policy: what the key holds; `nil` if the answer is for this request alone, and
    ///   then all of the request goes on.
    func fetchParts(
        _ exchange: Exchange, policy: CachePolicy?, scope: FillScope?
    ) async -> FetchedResponse {
        let fields = fields(of: exchange, policy: policy)
        switch exchange.route.configuration.source {
        case .upstream(let upstream, let path):
            let called = await call(upstream, path, exchange, .get, fields, body: nil)
            return called.response
        case .aggregate(let plan):
            let aggregator = Aggregator(
                plan: plan, upstreams: upstreams, exchange: exchange,
                fields: ForwardedFields.part(fields),
                deadline: exchange.began + exchange.route.configuration.timeout, scope: scope)
            return await aggregator.run()
        }
    }

    /// Runs instead of look-up and store on routes without a cache, and for unsafe requests.
    func forward(_ exchange: Exchange) async -> Answer {
        let configuration = exchange.route.configuration
        let status = CacheStatus.forwarded(exchange.head.method.isSafe ? .bypass : .method)
        guard case .upstream(let upstream, let path) = configuration.source else {
            let fetched = await fetchParts(exchange, policy: nil, scope: nil)
            return Answer(fetched, cacheStatus: status)
        }
        let isHead = exchange.head.method == .head
        let own = fields(of: exchange, policy: nil)
        let called = await call(
            upstream, path, exchange, isHead ? .get : exchange.head.method,
            isHead ? ForwardedFields.forHead(own) : own, body: exchange.body)
        if !exchange.head.method.isSafe && called.mayHaveActed {
            await invalidate(exchange, by: called)
            if called.mayStillAct { invalidateLater(exchange, by: called) }
        }
        return Answer(called.response, cacheStatus: status, upstream: called.server ?? upstream)
    }

    private func fields(of exchange: Exchange, policy: CachePolicy?) -> HTTPHeaders {
        var origin = ForwardedFields.Origin(
            requestName: exchange.name, traceparent: exchange.head.first(.traceparent),
            peer: exchange.peer, host: exchange.head.first(.host))
        guard let policy else { return ForwardedFields.own(exchange.head, origin: origin) }
        // A fill serves many requests and so has a name of its own; a client's could come back to
        // others in a body.
        if exchange.head.contains(.requestID) {
            origin.requestName = String(UInt64.random(in: .min ... .max), radix: 16)
        }
        return ForwardedFields.shared(exchange.head, policy: policy, origin: origin)
    }

    /// What came of a call.
    struct Called {
        var response: FetchedResponse
        /// Who answered, if anybody did.
        var server: String?
        /// Whether the upstream may have changed something.
        var mayHaveActed: Bool
        /// Whether nobody told that it is through with the request; a gateway's answer does not.
        var mayStillAct: Bool
    }

    private func call(
        _ upstream: String, _ path: UpstreamPath, _ exchange: Exchange, _ method: RequestMethod,
        _ fields: HTTPHeaders, body: ByteBuffer?
    ) async -> Called {
        let target = path.target(
            clientQuery: exchange.query, endsInSlash: exchange.pathEndsInSlash,
            segment: { exchange.encodedParameter($0[0]) }, text: { exchange.parameter($0[0]) })
        let request = UpstreamRequest(
            method: method, path: target ?? "/", fields: fields, body: body)
        do throws(UpstreamFailure) {
            let response = try await upstreams.send(
                request, to: upstream, on: exchange.eventLoop,
                timeout: exchange.route.configuration.timeout,
                onRunningOn: { self.invalidateSoon(exchange) })
            guard Self.isSolicited(response.status, fields) else {
                let failure = UpstreamFailure.unsolicited(response.status)
                upstreams.note(
                    failure, of: response, upstream: upstream, request: exchange.name)
                throw failure
            }
            return Called(
                response: FetchedResponse(
                    status: response.status, fields: Self.passedOn(response.fields),
                    body: response.body),
                server: response.target.authority,
                mayHaveActed: response.status < 400 || response.status >= 500,
                mayStillAct: (502...504).contains(response.status))
        } catch {
            let problem = GatewayProblem(error, upstream: upstream)
            return Called(
                response: problem.response(requestName: nil), server: nil,
                mayHaveActed: error.wasSent, mayStillAct: true)
        }
    }

    /// Whether the answer can be one to this request: a part, or that nothing has changed, is not
    /// an answer to a request for the whole.
    private static func isSolicited(_ status: Int, _ fields: HTTPHeaders) -> Bool {
        switch status {
        case 206: fields.contains(name: "range")
        case 304: fields.contains { $0.name.lowercased().hasPrefix("if-") }
        default: true
        }
    }

    /// Drops what the upstream says about the call and not about its subject.
    private static func passedOn(_ fields: HTTPHeaders) -> HTTPHeaders {
        var fields = fields
        for name in ["x-request-id", "traceparent", "tracestate", "via"] {
            fields.remove(name: name)
        }
        return fields
    }
}
