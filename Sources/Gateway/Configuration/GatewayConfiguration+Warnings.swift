import PlainText

// What can be told from the file alone. A route is never hidden by another: of two that take the
// same path and method the second is a fault, and else each has paths that no other one takes.

extension GatewayConfiguration {
    /// What works and is probably not meant, in the order of the file.
    public var warnings: [ConfigurationWarning] {
        (keptWithoutTags + tagsNobodyRaises + raisedTagsNobodyBears + unusedUpstreams
            + upstreamsOfItself)
            .sorted { $0.place < $1.place }
    }

    private func warning(
        at path: String, _ message: String, _ remedy: String
    ) -> ConfigurationWarning {
        ConfigurationWarning(
            file: places.file, place: places[path], message: message, remedy: remedy)
    }

    // MARK: - Tags

    private var keptWithoutTags: [ConfigurationWarning] {
        routes.enumerated().filter { $1.cache != nil && $1.pathTags.isEmpty }
            .flatMap { index, kept in
                routes.filter { $0.means(whatIsKeptBy: kept) && $0.invalidates.isEmpty }.map {
                    changing in
                    let other = changing.name == kept.name ? "it" : "`\(changing.name)`"
                    return warning(
                        at: "routes[\(index)]",
                        "`\(kept.name)` keeps answers of \(kept.path) without `tags`, and \(other) "
                            + "changes what is there without any: a request through this gateway "
                            + "takes the answer at its own path away, and nothing else does",
                        "`cache.tags` that name what it tells about, and an `invalidation` of them")
                }
            }
    }

    /// Tags of kept answers that no event, no route and no change at their own path takes away.
    private var tagsNobodyRaises: [ConfigurationWarning] {
        let raised = raisedTags.map(\.tag) + tagsOfOwnWrites
        return keptTags.filter { kept in !raised.contains { $0.meets(kept.tag) } }.map { kept in
            warning(
                at: kept.path,
                "nothing takes away answers of `\(kept.route)` by their tag "
                    + "`\(kept.tag.source)`",
                "an `invalidation` rule for the event that changes it, `invalidates` at the route "
                    + "that does, or leave the tag out")
        }
    }

    private var raisedTagsNobodyBears: [ConfigurationWarning] {
        raisedTags.filter { raised in !keptTags.contains { $0.tag.meets(raised.tag) } }.map {
            raised in
            let known = Set(keptTags.map(\.tag.beginning)).subtracting(["", raised.tag.beginning])
            let nearest = Spelling.nearest(to: raised.tag.beginning, of: known)
            return warning(
                at: raised.path,
                "no answer that is kept is tagged `\(raised.tag.source)`, so \(raised.raiser) "
                    + "takes nothing away by it",
                nearest.map { "the spelling `\($0)`, which kept answers have" }
                    ?? "the tag at the `cache` that it concerns, or leave it out")
        }
    }

    private typealias Kept = (tag: TagTemplate, path: String, route: String)

    private var keptTags: [Kept] {
        routes.enumerated().filter { $1.cache != nil }.flatMap { index, route in
            let own: [Kept] = route.tags.enumerated().map {
                ($1, "routes[\(index)].cache.tags[\($0)]", route.name)
            }
            guard case .aggregate(let plan) = route.source else { return own }
            return own
                + plan.parts.flatMap { part in
                    part.tags.enumerated().map { place, tag in
                        let path = "routes[\(index)].aggregate.parts.\(part.name).tags[\(place)]"
                        return (tag, path, route.name)
                    }
                }
        }
    }

    private var raisedTags: [(tag: TagTemplate, path: String, raiser: String)] {
        routes.enumerated().flatMap { index, route in
            route.invalidates.enumerated().map {
                ($1, "routes[\(index)].invalidates[\($0)]", "`\(route.name)`")
            }
        }
            + invalidation.enumerated().flatMap { index, rule in
                rule.tags.enumerated().map {
                    ($1, "invalidation.on[\(index)].tags[\($0)]", "this rule")
                }
            }
    }

    /// A change takes away what kept answers of its own path tell about.
    private var tagsOfOwnWrites: [TagTemplate] {
        routes.filter { kept in
            kept.cache != nil && routes.contains { $0.changes(whatIsKeptBy: kept) }
        }.flatMap(\.pathTags)
    }

    // MARK: - Upstreams

    private var unusedUpstreams: [ConfigurationWarning] {
        let used = Set(routes.flatMap(\.upstreams))
        return upstreams.filter { !used.contains($0.name) }.map {
            warning(
                at: "upstreams.\($0.name)", "no route asks the upstream `\($0.name)`",
                "a route with `upstream: \($0.name)`, or leave it out")
        }
    }

    /// Requests to them would come back until no connection is left.
    private var upstreamsOfItself: [ConfigurationWarning] {
        upstreams.flatMap { upstream in
            upstream.targets.enumerated().filter { server.listens(at: $1) }.map { index, target in
                warning(
                    at: "upstreams.\(upstream.name).targets[\(index)]",
                    "\(target.authority) is where this gateway listens itself, so it would pass "
                        + "requests on to itself",
                    "the port of the service that is meant, or another `server.port`")
            }
        }
    }
}

extension ServerConfiguration {
    /// As far as addresses are written alike; names are not looked up.
    fileprivate func listens(at target: UpstreamTarget) -> Bool {
        guard port != 0, target.port == port else { return false }
        let (own, asked) = (host.lowercased(), target.host.lowercased())
        let here: Set = ["localhost", "127.0.0.1", "::1", "0.0.0.0", "::"]
        switch own {
        case "0.0.0.0", "::": return here.contains(asked)
        case "127.0.0.1", "::1": return [own, "localhost"].contains(asked)
        case "localhost": return ["localhost", "127.0.0.1", "::1"].contains(asked)
        default: return own == asked
        }
    }
}

extension RouteConfiguration {
    /// Whether it passes changes on to an address that the other keeps.
    fileprivate func changes(whatIsKeptBy kept: RouteConfiguration) -> Bool {
        methods.contains { !$0.isSafe } && path.meets(kept.path)
    }

    /// Whether it is about the same things: who keeps `/orders/search` has nothing to fear from
    /// changes of `/orders/{id}`, although the one address is also one of the others.
    fileprivate func means(whatIsKeptBy kept: RouteConfiguration) -> Bool {
        guard changes(whatIsKeptBy: kept) else { return false }
        return zip(path.segments, kept.path.segments).allSatisfy { changed, kept in
            guard case .literal = kept, case .literal = changed else {
                if case .literal = kept { return false }
                return true
            }
            return true
        }
    }

    /// Who is asked for its answers.
    fileprivate var upstreams: [String] {
        switch source {
        case .upstream(let name, _): [name]
        case .aggregate(let plan): plan.parts.map(\.upstream)
        }
    }
}

extension TagTemplate {
    /// What stands before the first value.
    fileprivate var beginning: String { String(source.prefix { $0 != "{" }) }
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
