// What an answer of a route means follows from its configuration: who is asked for what, how the
// answer is put together, who may be given it and for how long. Two gateways on one Redis, or one
// before and after a change of its file, share answers only where all of that is the same.

/// A digest of all that shapes the answers of a route, which stands in the keys of its answers.
///
/// Everything is written out field by field: what a reflection prints may differ between two
/// builds, and the order of a set between two processes.
enum RouteMeaning {
    /// Changes when what is stored of the same answer changes.
    private static let form = "1"

    static func digest(
        of route: RouteConfiguration, upstreams: [UpstreamConfiguration]
    ) -> String {
        var text = CacheKey.Builder()
        text.begin(route: form)
        text.add(route.name)
        text.add(route.path.description)
        add(route.tags.map(\.source), to: &text)
        switch route.source {
        case .upstream(let upstream, let path):
            text.add("upstream")
            add(targets(of: upstream, upstreams), to: &text)
            text.add(path.written)
        case .aggregate(let plan):
            text.add("aggregate")
            for part in plan.parts { add(part, upstreams, to: &text) }
        }
        if let policy = route.cache { add(policy, to: &text) }
        return String(text.key.digest.prefix(32))
    }

    private static func add(
        _ part: AggregationPlan.Part, _ upstreams: [UpstreamConfiguration],
        to text: inout CacheKey.Builder
    ) {
        text.add(part.name)
        text.add(part.field)
        add(targets(of: part.upstream, upstreams), to: &text)
        text.add(part.path.written)
        switch part.failure {
        case .fail: text.add("fail")
        case .omit: text.add("omit")
        case .substitute(let json): text.add("=" + String(decoding: json, as: UTF8.self))
        }
        text.add(part.absence.rawValue)
        add(part.select ?? ["*"], to: &text)
        add(part.tags.map(\.source), to: &text)
        add(part.dependencies.map(String.init), to: &text)
    }

    private static func add(_ policy: CachePolicy, to text: inout CacheKey.Builder) {
        let lives = [policy.lifetime, policy.negativeLifetime, policy.partialLifetime]
        add(lives.map { "\($0)" }, to: &text)
        add(policy.varyingFields, to: &text)
        add(policy.varyingQuery ?? ["*"], to: &text)
        text.add("\(policy.maximumBodyBytes)")
        text.add(policy.scope == .shared ? "shared" : "anonymous")
    }

    /// A list as one field of the whole, so that no two lists beside each other read alike.
    private static func add(_ list: [String], to text: inout CacheKey.Builder) {
        text.add("\(list.count)")
        for element in list { text.add(element) }
    }

    private static func targets(
        of name: String, _ upstreams: [UpstreamConfiguration]
    ) -> [String] {
        upstreams.first { $0.name == name }?.targets.map(\.authority).sorted() ?? []
    }
}
