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
        metrics = RouteMetrics(route: configuration.name)
    }

    var policy: CachePolicy? { configuration.cache }
}
