/// One route with all that can be settled before the first request.
final class CompiledRoute: Sendable {
    let name: String
    let configuration: RouteConfiguration
    let parameters: [String]
    let metrics: RouteMetrics

    init(_ configuration: RouteConfiguration) {
        name = configuration.name
        self.configuration = configuration
        parameters = configuration.path.parameters
        var methods = configuration.methods
        if methods.contains(.get) { methods.append(.head) }
        metrics = RouteMetrics(route: configuration.name, methods: methods)
    }

    var policy: CachePolicy? { configuration.cache }
}
