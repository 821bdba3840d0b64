import PlainText

extension GatewayConfiguration {
    mutating func readRoutes(_ list: ConfigurationValue) {
        let known = upstreams.map(\.name)
        var places: [ConfigurationValue] = []
        let entries = list.list()
        for entry in entries {
            let reader = RouteReader(value: entry, section: entry.section(), upstreams: known)
            guard let route = reader.route() else { continue }
            if routes.contains(where: { $0.name == route.name }) {
                entry.fault("another route is named `\(route.name)` already")
            }
            routes.append(route)
            places.append(entry)
        }
        if entries.isEmpty { list.fault("at least one route expected") }
        do throws(Router.Conflict) {
            _ = try Router(routes.map { ($0.path, $0.methods) })
        } catch {
            places[error.second].fault(
                "\(error.method.rawValue) \(routes[error.second].path) is answered by "
                    + "`\(routes[error.first].name)` already")
        }
    }
}

/// Reads one entry of `routes`.
private struct RouteReader {
    let value: ConfigurationValue
    let section: ConfigurationSection
    let upstreams: [String]

    func route() -> RouteConfiguration? {
        defer { section.finish() }
        let name = section.required("name")?.string() ?? ""
        let path = section.required("path").flatMap(pattern)
        let methods = methods()
        let source = source(path, methods)
        guard let path, let source else {
            for name in ["cache", "invalidates", "timeout"] { _ = section.optional(name) }
            return nil
        }
        var route = RouteConfiguration(name: name, path: path, methods: methods, source: source)
        route.timeout = section.duration("timeout", default: route.timeout)
        if let entry = section.optional("cache") {
            if !methods.contains(.get) { entry.fault("only answers to GET can be kept") }
            readCache(entry.section(), into: &route)
        }
        route.invalidates = section.tags("invalidates") { path.parameters.contains($0) }
        return route
    }

    private func pattern(_ value: ConfigurationValue) -> PathPattern? {
        do throws(TemplateFault) {
            return try PathPattern(value.string())
        } catch {
            value.fault(error.message)
            return nil
        }
    }

    private func methods() -> [RequestMethod] {
        guard let entry = section.optional("methods") else { return [.get] }
        var methods: [RequestMethod] = []
        for item in entry.list() {
            if let method = item.text.flatMap(RequestMethod.init(rawValue:)) {
                methods.append(method)
            } else {
                let all = RequestMethod.allCases.map(\.rawValue).joined(separator: ", ")
                item.fault("one of \(all) expected")
            }
        }
        if entry.isEmptyList { entry.fault("at least one method expected") }
        return methods
    }

    private func source(
        _ path: PathPattern?, _ methods: [RequestMethod]
    ) -> RouteConfiguration.Source? {
        let upstream = section.optional("upstream")
        let forward = section.optional("upstream_path")
        let aggregate = section.optional("aggregate")
        switch (upstream, aggregate) {
        case (let upstream?, nil):
            let name = known(upstream)
            guard let path else { return nil }
            guard let forward else {
                return .upstream(name, path: UpstreamPath(path))
            }
            guard let template = forward.upstreamPath() else { return nil }
            for reference in template.references
            where reference.count > 1 || !path.parameters.contains(reference[0]) {
                forward.fault("the path has no parameter `{\(reference.joined(separator: "."))}`")
            }
            return .upstream(name, path: template)
        case (nil, let aggregate?):
            if !methods.allSatisfy({ $0 == .get || $0 == .head }) {
                aggregate.fault("its parts are asked by GET, so the route takes GET only")
            }
            return .aggregate(plan(aggregate.section(), path?.parameters ?? []))
        default:
            value.fault("exactly one of `upstream` and `aggregate` expected")
            return nil
        }
    }

    private func known(_ upstream: ConfigurationValue) -> String {
        let name = upstream.string()
        if !upstreams.contains(name) {
            let nearest = Spelling.nearest(to: name, of: upstreams)
            upstream.fault(
                "there is no upstream `\(name)`" + (nearest.map { "; did you mean `\($0)`?" } ?? "")
            )
        }
        return name
    }

    // MARK: - Cache

    private func readCache(_ section: ConfigurationSection, into route: inout RouteConfiguration) {
        var policy = CachePolicy()
        if let entry = section.required("ttl") {
            _ = entry
            policy.lifetime = section.duration("ttl", default: policy.lifetime)
        }
        policy.jitter = section.share("jitter", default: policy.jitter)
        policy.negativeLifetime = section.duration(
            "negative_ttl", atLeast: .zero, default: policy.negativeLifetime)
        policy.partialLifetime = section.duration(
            "partial_ttl", atLeast: .zero, default: policy.partialLifetime)
        policy.varyingFields = varyingFields(section.optional("vary_headers"))
        policy.varyingQuery = section.optional("vary_query").map { names($0) }
        policy.maximumBodyBytes = section.size(
            "max_body_size", in: 0...1 << 30, default: policy.maximumBodyBytes)
        policy.obeysClient = section.flag("obey_client", default: policy.obeysClient)
        switch section.string("scope", default: "anonymous") {
        case "anonymous": policy.scope = .anonymous
        case "shared": policy.scope = .shared
        default: section.optional("scope")?.fault("one of `anonymous`, `shared` expected")
        }
        let parameters = route.path.parameters
        route.tags = section.tags("tags") { parameters.contains($0) }
        section.finish()
        route.cache = policy
    }

    private func varyingFields(_ value: ConfigurationValue?) -> [String] {
        let fields = names(value).map { $0.lowercased() }
        for field in fields {
            if ForwardedFields.isDropped(field) {
                value?.fault("`\(field)` is not passed on, so no answer depends on it")
            } else if Self.conditions.contains(field) {
                value?.fault("`\(field)` asks for a part of an answer, which is not kept")
            }
        }
        return fields
    }

    private static let conditions: Set = [
        "if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since",
        "range",
    ]

    private func names(_ value: ConfigurationValue?) -> [String] {
        value?.list().map { item in
            let name = item.string()
            if !name.utf8.allSatisfy({ ByteClass.of($0).contains(.token) }) {
                item.fault("`\(name)` is not a name of a field or parameter")
            }
            return name
        } ?? []
    }

    // MARK: - Aggregation

    private func plan(_ section: ConfigurationSection, _ parameters: [String]) -> AggregationPlan {
        defer { section.finish() }
        guard let entry = section.required("parts") else { return AggregationPlan(parts: []) }
        let parts = entry.section()
        var drafts: [AggregationPlan.Draft] = []
        for name in parts.names {
            guard let value = parts.optional(name) else { continue }
            if !Template.isName(name) { value.fault("`\(name)` cannot be the name of a part") }
            let draft = draft(name, value)
            if draft.part.field == "_errors" {
                value.fault("`_errors` is where the answer names the parts that failed")
            } else if drafts.contains(where: { $0.part.field == draft.part.field }) {
                value.fault("another part becomes `\(draft.part.field)` already")
            }
            drafts.append(draft)
        }
        if drafts.isEmpty { entry.fault("at least one part expected") }
        return AggregationPlan.compile(drafts, parameters: parameters)
    }

    private func draft(_ name: String, _ value: ConfigurationValue) -> AggregationPlan.Draft {
        let section = value.section()
        defer { section.finish() }
        let path = section.required("path")
        var part = AggregationPlan.Part(
            name: name, field: section.string("as", default: name),
            upstream: section.required("upstream").map(known) ?? "",
            path: path?.upstreamPath() ?? UpstreamPath(), failure: failure(section),
            absence: section.choice("absent", default: .error), timeout: nil, select: nil,
            tags: section.optional("tags")?.list().compactMap { $0.tagTemplate() } ?? [],
            dependencies: [])
        if section.optional("timeout") != nil {
            part.timeout = section.duration("timeout", default: .seconds(5))
        }
        part.select = section.optional("select").map { $0.list().map { $0.string() } }
        let waits = section.optional("depends_on")?.list() ?? []
        return .init(
            part: part, dependsOn: waits.map { ($0.string(), $0.fault) },
            fault: (path ?? value).fault)
    }

    private func failure(_ section: ConfigurationSection) -> AggregationPlan.Failure {
        let isRequired = section.flag("required", default: false)
        let standIn = section.optional("default")
        guard let entry = section.optional("on_error") else { return .fail }
        switch entry.string() {
        case "fail": return .fail
        case _ where isRequired:
            return entry.refused("`fail`, because the part is `required`,", instead: .fail)
        // `stale` needs an older answer of the part alone, which the cache does not keep.
        case "omit", "stale": return .omit
        case "default":
            guard let json = standIn.flatMap({ StandInJSON.bytes(of: $0.node) }) else {
                return entry.refused("a JSON value under `default`", instead: .fail)
            }
            return .substitute(json)
        default:
            return entry.refused("one of `fail`, `omit`, `default`, `stale`", instead: .fail)
        }
    }
}
