extension GatewayConfiguration {
    /// What works and is probably not meant, each in a sentence that names the routes.
    public var warnings: [String] {
        routes.filter { $0.cache != nil && $0.pathTags.isEmpty }.flatMap { kept in
            routes.filter { $0.changes(whatIsKeptBy: kept) }.map { changing in
                let other = changing.name == kept.name ? "it" : "`\(changing.name)`"
                return "`\(kept.name)` keeps answers of \(kept.path) without `tags`, and \(other) "
                    + "changes what is there without any: a request through this gateway takes the "
                    + "answer at its own path away, and nothing else does"
            }
        }
    }
}

extension RouteConfiguration {
    /// Whether it passes changes on to an address that the other keeps, and names no tags.
    fileprivate func changes(whatIsKeptBy kept: RouteConfiguration) -> Bool {
        methods.contains { !$0.isSafe } && invalidates.isEmpty && path.meets(kept.path)
    }
}

extension PathPattern {
    /// Whether one address can match both.
    func meets(_ other: PathPattern) -> Bool {
        guard segments.count == other.segments.count else { return false }
        return zip(segments, other.segments).allSatisfy { one, other in
            guard case .literal(let text) = one, case .literal(let other) = other else {
                return true
            }
            return text == other
        }
    }
}
