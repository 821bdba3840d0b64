import Timekeeping

/// How one route's answers are cached.
public struct CachePolicy: Sendable {
    /// Who may be given a stored answer.
    public enum Scope: Sendable {
        /// Anyone who sends no `Authorization` and no `Cookie`; others go to the upstream.
        case anonymous
        /// Everyone: the route declares that its answer does not depend on who asks.
        /// `Authorization` and `Cookie` then never reach the upstream.
        case shared
    }

    /// The longest life of an answer; its origin can shorten it, never lengthen it.
    public var lifetime: Duration
    /// How much of the life is taken away at random (0…1), so that answers stored together do
    /// not end together.
    public var jitter: Double
    /// The life of 404 and 410 answers; zero keeps none.
    public var negativeLifetime: Duration
    /// The life of an aggregate with parts missing; zero keeps none.
    public var partialLifetime: Duration
    /// Request fields, in lower case, that the answer varies with.
    ///
    /// They belong to the key.
    public var varyingFields: [String]
    /// Query parameters the answer varies with; nil means all.
    ///
    /// Others do not reach the upstream.
    public var varyingQuery: [String]?
    /// Longer bodies are passed on but not stored.
    public var maximumBodyBytes: Int
    /// Who may be given a stored answer.
    public var scope: Scope
    /// Whether what clients ask of the cache (`no-cache`, `no-store`, `max-age`, …) is obeyed.
    ///
    /// Even then such requests share their way to the upstream with others.
    public var obeysClient: Bool

    /// A policy with cautious defaults: a minute, a tenth of jitter, 404s for two seconds, no
    /// partial answers, up to 1 MiB, anonymous requests only; clients are not obeyed.
    public init(
        lifetime: Duration = .seconds(60), jitter: Double = 0.1,
        negativeLifetime: Duration = .seconds(2), partialLifetime: Duration = .zero,
        varyingFields: [String] = [], varyingQuery: [String]? = nil,
        maximumBodyBytes: Int = 1 << 20, scope: Scope = .anonymous, obeysClient: Bool = false
    ) {
        self.lifetime = lifetime
        self.jitter = jitter
        self.negativeLifetime = negativeLifetime
        self.partialLifetime = partialLifetime
        self.varyingFields = varyingFields
        self.varyingQuery = varyingQuery
        self.maximumBodyBytes = maximumBodyBytes
        self.scope = scope
        self.obeysClient = obeysClient
    }

    /// Whether a request field may reach the upstream on a cached route.
    ///
    /// Only what is part of the key, or cannot change the answer, may. Everything else
    /// (`X-Forwarded-Host`, `Origin`, `Accept-Encoding`, …) would let one client write the
    /// answer that others are given.
    public func forwards(requestField name: String) -> Bool {
        let name = name.lowercased()
        return varyingFields.contains(name) || CachePolicy.harmlessFields.contains(name)
    }

    /// A life shortened by a random part, at most the policy's jitter.
    func jittered(_ lifetime: Duration) -> Duration {
        guard jitter > 0 else { return lifetime }
        let taken = Double.random(in: 0...min(jitter, 1))
        let nanoseconds = Double(lifetime.nanoseconds) * (1 - taken)
        return .nanoseconds(Int64(nanoseconds))
    }

    /// Fields that name the request and do not describe what is asked for.
    static let harmlessFields: Set<String> = [
        "traceparent", "tracestate", "x-request-id",
    ]
}
