/// One route with all that can be settled before the first request.
final class CompiledRoute: Sendable {
    let name: String
    let configuration: RouteConfiguration
    let parameters: [String]
    let metrics: RouteMetrics
    /// What stands for the route in the keys of its answers.
    let meaning: String
    /// Tags that the path alone gives: every answer of the route has them.
    private let tags: [TagTemplate]
    /// Whether an answer without a tag is given that of its path.
    private let tagsPaths: Bool

    /// - Parameters:
    ///   - upstreams: all that the route may ask.
    ///   - tagsPaths: whether a request through the gateway can change anything.
    init(
        _ configuration: RouteConfiguration, upstreams: [UpstreamConfiguration], tagsPaths: Bool
    ) {
        name = configuration.name
        self.configuration = configuration
        self.tagsPaths = tagsPaths
        parameters = configuration.path.parameters
        meaning = RouteMeaning.digest(of: configuration, upstreams: upstreams)
        tags = configuration.pathTags
        metrics = RouteMetrics(route: configuration.name)
    }

    var policy: CachePolicy? { configuration.cache }

    /// What every answer at a path of this route tells about.
    ///
    /// - Parameters:
    ///   - path: the whole path in normal form.
    ///   - parameter: the meaning of a parameter in it.
    func tags(
        at path: @autoclosure () -> String, _ parameter: (String) -> String?
    ) -> [CacheTag] {
        var found: [CacheTag] = []
        for template in tags {
            if let tag = template.tag(parameter), !found.contains(tag) { found.append(tag) }
        }
        return found.isEmpty && tagsPaths ? [CacheTag("path", path())] : found
    }
}

extension RouteConfiguration {
    /// Tag templates that the route's own parameters fill, its parts' included.
    var pathTags: [TagTemplate] {
        var templates = tags
        if case .aggregate(let plan) = source {
            for template in plan.parts.flatMap(\.tags) where !templates.contains(template) {
                templates.append(template)
            }
        }
        return templates.filter { $0.fields.allSatisfy(path.parameters.contains) }
    }
}
