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
            let said = called.server == nil ? nil : called.response.fields
            await invalidate(exchange, said)
            if called.mayStillAct { invalidateLater(exchange, said) }
        }
        return Answer(called.response, cacheStatus: status, upstream: called.server ?? upstream)
    }

    /// Runs once more a while after a change whose end nobody told.
    ///
    /// The upstream may make it after the first invalidation, when others have already kept what
    /// was before it. As much time again as the call had, and at most half a minute, is what it
    /// gets for that. A stop of the event loop ends the wait.
    private func invalidateLater(_ exchange: Exchange, _ fields: HTTPHeaders?) {
        guard lateChanges.add() else { return }
        var exchange = exchange
        exchange.body = nil
        let spent = TimeAmount.nanoseconds(
            Moment.now().nanoseconds - exchange.began.nanoseconds)
        let delay = min(max(spent, .seconds(1)), .seconds(30))
        let wait = exchange.eventLoop.scheduleTask(in: delay) { [exchange] in
            _ = Task { await self.invalidate(exchange, fields) }
        }
        wait.futureResult.whenComplete { _ in self.lateChanges.remove() }
    }

    /// Runs after an unsafe request and before its answer is sent, so that whoever made the change
    /// never sees what was before it; also when its client hangs up meanwhile, who may look again.
    ///
    /// - Parameter fields: those of the answer, if there was one.
    private func invalidate(_ exchange: Exchange, _ fields: HTTPHeaders?) async {
        var tags = exchange.route.configuration.invalidates.compactMap {
            $0.tag(exchange.parameter)
        }
        let paths = OwnWrite.paths(
            target: exchange.head.target.path, authority: exchange.head.first(.host),
            fields: fields)
        for tag in paths.flatMap(keptTags) where !tags.contains(tag) { tags.append(tag) }
        guard !tags.isEmpty else { return }
        // A name of our own: a cause counts once, and a client could send one name twice.
        let cause = String(UInt64.random(in: .min ... .max), radix: 36) + ":" + exchange.name
        // In a task of its own: a client that hangs up does not undo what was done.
        await Task { [cache] in await cache.invalidate(tags, cause: cause) }.value
    }

    /// What every answer that is kept for a path tells about.
    private func keptTags(at path: ByteBuffer) -> [CacheTag] {
        guard case .route(let index, let parameters) = router.match(path, .get),
            routes[index].policy != nil
        else { return [] }
        let route = routes[index]
        return route.tags(at: String(buffer: path)) { name in
            guard let place = route.parameters.firstIndex(of: name) else { return nil }
            let range = parameters[place]
            return path.getString(at: path.readerIndex + range.lowerBound, length: range.count)
                .map(PercentText.decoded)
        }
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

    private struct Called {
        var response: FetchedResponse
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
                onRunningOn: { _ = Task { await self.invalidate(exchange, nil) } })
            guard Self.isSolicited(response.status, fields) else {
                throw UpstreamFailure(.broken, "status \(response.status) that nobody asked for")
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

    /// Whether the answer can be one to this request: a part, or that nothing has changed, is no
    /// answer to a request for the whole.
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
