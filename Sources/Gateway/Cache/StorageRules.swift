import NIOCore
import NIOHTTP1
import Timekeeping

/// What RFC 9111 and the route allow: whether an answer is stored, for how long, and whether
/// requests that waited for it may share it.
///
/// Pure.
enum StorageRules {
    /// How a request goes through the cache.
    enum Way: Equatable {
        /// Look-up, single flight, fill, store.
        case usual
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
        return .usual
    }

    /// Judges an answer of the upstream under a route's policy.
    ///
    /// An aggregate obeys the union of what its parts say: each objection, the least remaining
    /// life, the greatest age.
    static func judge(
        _ fetched: FetchedResponse, _ policy: CachePolicy, wallSeconds: Int64
    ) -> Verdict {
        let terms = ([fetched.fields] + fetched.parts).map {
            OriginTerms($0, policy, wallSeconds: wallSeconds)
        }
        let age = terms.map(\.age).max() ?? .zero
        let remaining = terms.compactMap(\.remaining).min()
        if let objection = terms.lazy.compactMap(\.objection).first {
            return Verdict(age: age, isShareable: false, detail: objection)
        }
        if let remaining, remaining <= .zero {
            return Verdict(age: age, isShareable: false, detail: "expired")
        }
        guard let limit = routeLifetime(fetched, policy, isExplicit: remaining != nil) else {
            return Verdict(age: age, detail: fetched.isPartial ? "partial" : "status")
        }
        guard fetched.body.readableBytes <= policy.maximumBodyBytes else {
            return Verdict(age: age, detail: "too-large")
        }
        return Verdict(lifetime: min(limit, remaining ?? limit), age: age)
    }

    /// What caches behind us are told of an aggregate whose parts must not be kept, if so.
    static func refusal(of parts: [HTTPHeaders]) -> String? {
        let directives = parts.map { CacheDirectives($0.joined("cache-control") ?? "") }
        if directives.contains(where: { $0.has("no-store") }) { return "no-store" }
        let isPrivate =
            directives.contains { $0.has("private") }
            || parts.contains { $0.contains(name: "set-cookie") }
        if isPrivate { return "private, no-cache" }
        return directives.contains { $0.has("no-cache") } ? "no-cache" : nil
    }

    /// How long the route lets such an answer live.
    ///
    /// - Parameter isExplicit: whether the origin gives it a life; then any final status counts
    ///   that stands for itself (RFC 9111 section 3).
    private static func routeLifetime(
        _ fetched: FetchedResponse, _ policy: CachePolicy, isExplicit: Bool
    ) -> Duration? {
        var limit: Duration
        switch fetched.status {
        case 200, 203, 204, 300, 301, 308: limit = policy.lifetime
        case 404, 410: limit = policy.negativeLifetime
        case 206, 304: return nil
        case 200..<400 where isExplicit: limit = policy.lifetime
        case 400..<600 where isExplicit: limit = policy.negativeLifetime
        default: return nil
        }
        if fetched.isPartial { limit = min(limit, policy.partialLifetime) }
        return limit > .zero ? limit : nil
    }
}

/// What one origin says about keeping and sharing its answer (RFC 9111); pure.
private struct OriginTerms {
    /// Why no other request may have it, if so.
    var objection: String?
    /// How old it was when it came.
    var age: Duration
    /// How long it stays fresh from then on; `nil` if the origin does not say.
    var remaining: Duration?

    init(_ fields: HTTPHeaders, _ policy: CachePolicy, wallSeconds: Int64) {
        let directives = CacheDirectives(fields.joined("cache-control") ?? "")
        objection = Self.objection(fields, directives, policy)
        age = Self.age(fields, wallSeconds: wallSeconds)
        remaining = Self.freshness(fields, directives, wallSeconds: wallSeconds).map { $0 - age }
    }

    private static func objection(
        _ fields: HTTPHeaders, _ directives: CacheDirectives, _ policy: CachePolicy
    ) -> String? {
        if fields.contains(name: "set-cookie") { return "set-cookie" }
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

    /// The greater of what caches on the way say and what the date shows (RFC 9111 section 4.2.3).
    ///
    /// Both clocks are read in whole seconds: a difference of one says nothing.
    private static func age(_ fields: HTTPHeaders, wallSeconds: Int64) -> Duration {
        let first = fields.first(name: "age")?.split(separator: ",").first
        let told = CacheDirectives.seconds(in: first.map { String($0.trimmingSpace()) })
        let date = fields.first(name: "date").flatMap(HTTPDate.seconds) ?? wallSeconds
        return max(.seconds(told), .seconds(max(0, wallSeconds - date - 1)))
    }

    /// The life the origin gives: `s-maxage`, `max-age`, then `Expires`.
    private static func freshness(
        _ fields: HTTPHeaders, _ directives: CacheDirectives, wallSeconds: Int64
    ) -> Duration? {
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
