import JSONText
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
        /// The fields of its answer, if there was one.
        var fields: HTTPHeaders?
    }

    func run() async -> FetchedResponse {
        var run = AggregationRun(plan)
        var said: [Int: HTTPHeaders] = [:]
        await withTaskGroup(of: Fetched.self) { group in
            for index in run.begin() { begin(index, run, in: &group) }
            while !run.isDecided, let fetched = await group.next() {
                run.finished(fetched.index, fetched.outcome)
                said[fetched.index] = fetched.fields
                for index in run.begin() { begin(index, run, in: &group) }
            }
            // Calls that are still under way end now; nobody waits for what they would bring.
            group.cancelAll()
        }
        // In the order of the plan, so that the same parts give the same answer.
        return response(run.result(), said.sorted { $0.key < $1.key }.map(\.value))
    }

    private func response(
        _ result: AggregationRun.Result, _ parts: [HTTPHeaders]
    ) -> FetchedResponse {
        if let problem = result.problem {
            var response = problem.response(requestName: nil)
            response.parts = parts
            return response
        }
        var fields: HTTPHeaders = [
            "Content-Type": "application/json",
            "X-Aggregate-Complete": result.isPartial ? "false" : "true",
        ]
        if let refusal = StorageRules.refusal(of: parts) {
            fields.add(name: "Cache-Control", value: refusal)
        }
        return FetchedResponse(
            status: result.status, fields: fields, body: ByteBuffer(bytes: result.body),
            isPartial: result.isPartial, parts: parts)
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
            var fetched = judge(response, index)
            fetched.fields = response.fields
            if case .present(let value) = fetched.outcome { learn(part, value, run) }
            return fetched
        } catch {
            return failed(index, error)
        }
    }

    private func judge(_ response: UpstreamResponse, _ index: Int) -> Fetched {
        let part = plan.parts[index]
        switch response.status {
        case 206: return unusable(response, index, .unsolicited(206))
        case 200..<300:
            guard let value = JSONPart(response.body.readableBytesView) else {
                return unusable(response, index, .broken("a part that is not JSON"))
            }
            return Fetched(index: index, outcome: .present(value))
        case 404, 410:
            return Fetched(index: index, outcome: .absent(status: response.status))
        case 400..<500:
            let problem = GatewayProblem(
                response.status, "\(part.name)_refused", "`\(part.upstream)` refused the request.")
            return Fetched(index: index, outcome: .failed(problem))
        case 503:
            return Fetched(
                index: index, outcome: .failed(GatewayProblem(unavailable: response, part.upstream))
            )
        case 504:
            return failed(index, .init(.timedOut))
        default:
            return failed(index, .init(.broken))
        }
    }

    private func unusable(
        _ response: UpstreamResponse, _ index: Int, _ failure: UpstreamFailure
    ) -> Fetched {
        upstreams.note(
            failure, of: response, upstream: plan.parts[index].upstream, request: exchange.name)
        return failed(index, failure)
    }

    private func failed(_ index: Int, _ failure: UpstreamFailure) -> Fetched {
        let problem = GatewayProblem(failure, upstream: plan.parts[index].upstream)
        return Fetched(index: index, outcome: .failed(problem))
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
