/// What the cache must know of a request besides its key.
package struct CacheRequest: Hashable, Sendable {
    /// Whether it carries `Authorization` or `Cookie`.
    package var hasCredentials = false
    /// `no-cache`, or `Pragma: no-cache` alone: a fresh answer is wanted.
    package var wantsFresh = false
    /// `no-store`: nothing of this exchange is to be kept.
    package var forbidsStoring = false
    /// `only-if-cached`: rather a 504 than a way to the upstream.
    package var onlyIfCached = false
    /// `max-age`: the oldest answer the client takes, in seconds.
    package var maximumAge: Int?
    /// `min-fresh`: how long the answer must stay fresh, in seconds.
    package var minimumFreshness: Int?

    /// A request without credentials and without wishes.
    package static let plain = CacheRequest()

    /// A request as its fields describe it.
    ///
    /// - Parameters:
    ///   - cacheControl: the request's `Cache-Control`, several joined with commas.
    ///   - pragma: its `Pragma`, which counts only without `Cache-Control`.
    package init(hasCredentials: Bool = false, cacheControl: String? = nil, pragma: String? = nil) {
        self.hasCredentials = hasCredentials
        guard let cacheControl else {
            wantsFresh = pragma?.lowercased().contains("no-cache") ?? false
            return
        }
        let directives = CacheDirectives(cacheControl)
        wantsFresh = directives.has("no-cache")
        forbidsStoring = directives.has("no-store")
        onlyIfCached = directives.has("only-if-cached")
        maximumAge = directives.seconds("max-age")
        minimumFreshness = directives.seconds("min-fresh")
    }

    /// Whether a stored answer is good enough for this request.
    func accepts(_ response: StoredResponse, at moment: Moment, policy: CachePolicy) -> Bool {
        guard policy.obeysClient else { return true }
        if wantsFresh { return false }
        if let maximumAge, response.age(at: moment) > maximumAge { return false }
        if let minimumFreshness, response.remainingLife(at: moment) < minimumFreshness {
            return false
        }
        return true
    }
}
