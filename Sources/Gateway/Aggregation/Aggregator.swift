import NIOCore
import NIOHTTP1

/// Fetches the parts of one aggregate, those side by side that can be, and puts them together.
struct Aggregator: Sendable {
    let plan: AggregationPlan
    let upstreams: UpstreamDirectory
    let exchange: Exchange
    let fields: HTTPHeaders
    let deadline: Moment
    let scope: FillScope?

    private struct Fetched: Sendable {
        var index: Int
        var outcome: AggregationRun.Outcome
        /// How long the part's origin lets it be kept, if it says.
        var lifetime: Duration?
    }

    func run() async -> FetchedResponse {
        var run = AggregationRun(plan)
        var lifetime: Duration?
        await withTaskGroup(of: Fetched.self) { group in
            for index in run.begin() { begin(index, run, in: &group) }
            while !run.isDecided, let fetched = await group.next() {
                run.finished(fetched.index, fetched.outcome)
                if let limit = fetched.lifetime { lifetime = min(lifetime ?? limit, limit) }
                for index in run.begin() { begin(index, run, in: &group) }
            }
            // Calls that are still under way end now; nobody waits for what they would bring.
            group.cancelAll()
        }
        return response(run.result(), lifetime)
    }

    private func response(
        _ result: AggregationRun.Result, _ lifetime: Duration?
    ) -> FetchedResponse {
        if let problem = result.problem { return problem.response(requestName: nil) }
        let fields: HTTPHeaders = [
            "Content-Type": "application/json",
            "X-Aggregate-Complete": result.isPartial ? "false" : "true",
        ]
        return FetchedResponse(
            status: result.status, fields: fields, body: ByteBuffer(bytes: result.body),
            isPartial: result.isPartial, maximumLifetime: lifetime)
    }

    private func begin(
        _ index: Int, _ run: AggregationRun, in group: inout TaskGroup<Fetched>
    ) {
        group.addTask { await fetch(index, run) }
    }

    // MARK: - One part

    private func fetch(_ index: Int, _ run: AggregationRun) async -> Fetched {
        let part = plan.parts[index]
        guard let path = path(of: part, run), let tags = tags(of: part, run) else {
            let needed = part.dependencies.first.map { plan.parts[$0].name } ?? part.name
            return Fetched(index: index, outcome: .failed(AggregationRun.missing(needed)))
        }
        await scope?.watch(tags)
        let remaining = Duration.nanoseconds(deadline.nanoseconds - Moment.now().nanoseconds)
        let timeout = min(part.timeout ?? remaining, remaining)
        guard timeout > .zero else { return failed(index, .init(.timedOut)) }
        let request = UpstreamRequest(method: .get, path: path, fields: fields)
        do throws(UpstreamFailure) {
            let response = try await upstreams.send(
                request, to: part.upstream, on: exchange.eventLoop, timeout: timeout)
            let fetched = judge(response, index)
            if case .present(let value) = fetched.outcome { learn(part, value, run) }
            return fetched
        } catch {
            return failed(index, error)
        }
    }

    private func judge(_ response: UpstreamResponse, _ index: Int) -> Fetched {
        let part = plan.parts[index]
        switch response.status {
        case 200..<300:
            guard let value = JSONPart(response.body.readableBytesView) else {
                return failed(index, .init(.broken))
            }
            return Fetched(
                index: index, outcome: .present(value), lifetime: lifetime(response.fields))
        case 404, 410:
            return Fetched(
                index: index, outcome: .absent(status: response.status),
                lifetime: lifetime(response.fields))
        case 400..<500:
            let problem = GatewayProblem(
                response.status, "\(part.name)_refused", "`\(part.upstream)` refused the request.")
            return Fetched(index: index, outcome: .failed(problem))
        case 503:
            return failed(index, .init(.overloaded))
        case 504:
            return failed(index, .init(.timedOut))
        default:
            return failed(index, .init(.broken))
        }
    }

    private func failed(_ index: Int, _ failure: UpstreamFailure) -> Fetched {
        let problem = GatewayProblem(failure, upstream: plan.parts[index].upstream)
        return Fetched(index: index, outcome: .failed(problem))
    }

    /// What the part's origin says about keeping it; zero for not at all.
    private func lifetime(_ fields: HTTPHeaders) -> Duration? {
        if fields.contains(name: "set-cookie") { return .zero }
        guard let text = fields.joined("cache-control") else { return nil }
        let directives = CacheDirectives(text)
        let refusals = ["no-store", "private", "no-cache"]
        if refusals.contains(where: directives.has) { return .zero }
        return (directives.seconds("s-maxage") ?? directives.seconds("max-age")).map {
            .seconds($0)
        }
    }

    // MARK: - Placeholders

    private func path(of part: AggregationPlan.Part, _ run: AggregationRun) -> String? {
        part.path.target(
            clientQuery: nil, endsInSlash: false,
            segment: { names in
                names.count == 1
                    ? exchange.encodedParameter(names[0])
                    : text(names, run).flatMap(PercentText.encodedSegment)
            },
            text: { names in
                names.count == 1 ? exchange.parameter(names[0]) : text(names, run)
            })
    }

    private func tags(of part: AggregationPlan.Part, _ run: AggregationRun) -> [CacheTag]? {
        var tags: [CacheTag] = []
        for template in part.tags where !isTold(template, by: part) {
            let tag = template.tag { name in
                let names = name.split(separator: ".").map(String.init)
                return names.count == 1 ? exchange.parameter(names[0]) : text(names, run)
            }
            guard let tag else { return nil }
            tags.append(tag)
        }
        return tags
    }

    /// Whether the tag has to be read from the part's own answer.
    private func isTold(_ template: TagTemplate, by part: AggregationPlan.Part) -> Bool {
        template.fields.contains { $0.hasPrefix(part.name + ".") }
    }

    private func learn(_ part: AggregationPlan.Part, _ value: JSONPart, _ run: AggregationRun) {
        guard let scope else { return }
        let told = part.tags.filter { isTold($0, by: part) }
        scope.learn(
            told.compactMap { template in
                template.tag { name in
                    let names = name.split(separator: ".").map(String.init)
                    if names.count == 1 { return exchange.parameter(names[0]) }
                    guard names[0] == part.name else { return text(names, run) }
                    return names.dropFirst().reduce(value) { $0?.member($1) }?.scalarText
                }
            })
    }

    private func text(_ names: [String], _ run: AggregationRun) -> String? {
        var value = run.value(of: names[0])
        for name in names.dropFirst() { value = value?.member(name) }
        return value?.scalarText
    }
}
