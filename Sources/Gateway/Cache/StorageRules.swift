import NIOCore
import NIOHTTP1

/// What RFC 9111 and the route allow: whether an answer is stored, for how long, and whether
/// requests that waited for it may share it.
///
/// Pure.
enum StorageRules {
    /// How a request goes through the cache.
    enum Way: Equatable {
        /// Look-up, single flight, fill, store.
        case usual
        /// A fill of its own, whose answer is stored.
        case refresh
        /// A fetch of its own, stored nowhere.
        case bypass(String)
    }

    /// What may be done with an answer.
    struct Verdict: Equatable {
        /// The life of the answer from now on; nil keeps it out of the cache.
        var lifetime: Duration?
        /// The age it came with.
        var age: Duration = .zero
        /// Whether requests that waited may be given it.
        var isShareable = true
        /// Why it is not stored, one token.
        var detail: String?

        /// The same, kept out of the cache.
        func refused(_ detail: String?) -> Verdict {
            Verdict(age: age, isShareable: isShareable, detail: detail)
        }
    }

    static func way(of request: CacheRequest, _ policy: CachePolicy) -> Way {
        if request.hasCredentials, policy.scope == .anonymous { return .bypass("credentials") }
        if policy.lifetime <= .zero { return .bypass("lifetime") }
        guard policy.obeysClient else { return .usual }
        if request.forbidsStoring { return .bypass("no-store") }
        return request.wantsFresh ? .refresh : .usual
    }

    /// Judges an answer of the upstream under a route's policy.
    static func judge(
        _ fetched: FetchedResponse, _ policy: CachePolicy, wallSeconds: Int64
    ) -> Verdict {
        if let objection = privacyObjection(fetched.fields, policy) {
            return Verdict(isShareable: false, detail: objection)
        }
        guard let limit = routeLifetime(fetched, policy) else {
            return Verdict(detail: fetched.isPartial ? "partial" : "status")
        }
        guard fetched.body.readableBytes <= policy.maximumBodyBytes else {
            return Verdict(detail: "too-large")
        }
        let age = Duration.seconds(CacheDirectives.seconds(in: fetched.fields.first(name: "age")))
        let origin = originLifetime(fetched.fields, wallSeconds: wallSeconds)
        if let origin, origin <= age {
            return Verdict(isShareable: false, detail: "expired")
        }
        let lifetime = min(limit, (origin ?? limit + age) - age)
        return Verdict(lifetime: lifetime, age: age)
    }

    /// Why no other request may have this answer, if so.
    private static func privacyObjection(_ fields: HTTPHeaders, _ policy: CachePolicy) -> String? {
        if fields.contains(name: "set-cookie") { return "set-cookie" }
        let directives = CacheDirectives(fields.joined("cache-control") ?? "")
        for name in ["no-store", "private", "no-cache"] where directives.has(name) {
            return name
        }
        for name in fields[canonicalForm: "vary"] {
            let name = name.lowercased()
            let isKeyed = policy.varyingFields.contains(name)
            if name == "*" || (policy.forwards(requestField: name) && !isKeyed) { return "vary" }
        }
        return nil
    }

    /// How long the route lets such an answer live.
    private static func routeLifetime(
        _ fetched: FetchedResponse, _ policy: CachePolicy
    ) -> Duration? {
        var limit: Duration
        switch fetched.status {
        case 200, 203, 204, 300, 301, 308: limit = policy.lifetime
        case 404, 410: limit = policy.negativeLifetime
        default: return nil
        }
        if fetched.isPartial { limit = min(limit, policy.partialLifetime) }
        if let maximum = fetched.maximumLifetime { limit = min(limit, maximum) }
        return limit > .zero ? limit : nil
    }

    /// The freshness the origin gives, if it says: `s-maxage`, `max-age`, then `Expires`.
    private static func originLifetime(_ fields: HTTPHeaders, wallSeconds: Int64) -> Duration? {
        let directives = CacheDirectives(fields.joined("cache-control") ?? "")
        if let seconds = directives.seconds("s-maxage") ?? directives.seconds("max-age") {
            return .seconds(seconds)
        }
        guard let expires = fields.joined("expires") else { return nil }
        guard let end = HTTPDate.seconds(expires) else { return .zero }
        let date = fields.first(name: "date").flatMap(HTTPDate.seconds) ?? wallSeconds
        return .seconds(max(0, end - date))
    }
}

extension HTTPHeaders {
    /// All values of a field as one list; nil if there is none.
    func joined(_ name: String) -> String? {
        let values = self[name]
        return values.isEmpty ? nil : values.joined(separator: ", ")
    }
}
