import ArgumentParser
import Gateway
import GatewayRedis
import Logging
import TroupeRedis

/// Reads a gateway's configuration as the gateway would, and says all that is wrong with it.
struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Checks a gateway configuration; each fault with file, line and column.",
        usage: "troupe check [--redis <url>] [file]",
        discussion: """
            It also warns, with line and column, of what works and is probably not meant: tags
            that nothing takes away or that nothing bears, upstreams that no route asks or that
            are the gateway itself. With --redis it compares the invalidation rules with what the
            services that run there have declared: an event or a service that is misspelt would
            take nothing away. Exit code 0 when the file is right, 2 when it is not, 4 when that
            Redis does not answer.
            """)

    @Option(
        help: ArgumentHelp(
            "Where the services run whose events the rules name; none is asked by default.",
            valueName: "url"))
    var redis: String?

    @Option(
        help: ArgumentHelp(
            "Stands before every key there (TROUPE_NAMESPACE; default none).",
            valueName: "name"))
    var namespace: String?

    @Argument(help: ArgumentHelp("The file (TROUPE_GATEWAY; default deploy/gateway.yaml)."))
    var file: String?

    func run() async throws {
        let environment = EnvironmentOptions.ofThisProcess
        let source = try GatewayFile.find(file, in: environment)
        let configuration = try GatewayFile.read(source)
        var warnings = configuration.warnings
        if redis != nil { warnings += try await compare(configuration, in: environment) }
        for warning in warnings {
            try await LineOutput.standard.result("\(warning)")
        }
        try await LineOutput.standard.result(
            "\(source.name): "
                + Self.summary(
                    routes: configuration.routes.count, upstreams: configuration.upstreams.count))
    }

    /// Compares the rules with what services declare, and answers what cannot be told.
    private func compare(
        _ configuration: GatewayConfiguration, in environment: EnvironmentOptions
    ) async throws -> [ConfigurationWarning] {
        let options = RedisOptions(redis, namespace)
        let address = try options.address(in: environment)
        let namespace = try options.namespace(in: environment)
        let logger = Logger(label: "troupe") { _ in SwiftLogNoOpLogHandler() }
        let role = RedisRole.reading(namespace: namespace)
        let declared = try await RedisConnection.with(address, as: role, logger: logger) { client in
            try await DeclaredEvents(redis: client, namespace: namespace ?? "").all(
                beside: configuration.invalidation)
        }
        let found = configuration.faults(declared: declared)
        guard found.faults.isEmpty else { throw GatewayFile.failure(found.faults) }
        return found.warnings
    }

    static func summary(routes: Int, upstreams: Int) -> String {
        "\(routes) \(routes == 1 ? "route" : "routes") to "
            + "\(upstreams) \(upstreams == 1 ? "upstream" : "upstreams"), no faults"
    }
}
