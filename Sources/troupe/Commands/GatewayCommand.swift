import ArgumentParser
import Logging
import ServiceLifecycle

/// Runs a gateway alone; several can stand side by side on one Redis.
struct GatewayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gateway",
        abstract: "Runs a gateway before services that run elsewhere.",
        usage: "troupe gateway [options]",
        discussion: """
            Without --gateway-config, the services are expected at the ports that
            `up` would give them, counted from the gateway's. The admin port is 100
            above its own.
            """)

    @OptionGroup var redis: RedisOptions
    @OptionGroup var gateway: GatewayOptions
    @OptionGroup var listen: ListenOptions
    @OptionGroup var logs: LogOptions

    @Option(
        help: ArgumentHelp(
            "The port to listen on (PORT; default `server.port` of the configuration).",
            valueName: "port"))
    var port: Int?

    @Flag(help: .hidden)
    var besideServices = false

    func run() async throws {
        let environment = EnvironmentOptions.ofThisProcess
        var logger = try logs.bootstrap(in: environment, default: .info)
        logger[metadataKey: "service"] = "gateway"
        let port = try environment.port(
            port, "PORT", default: GatewayFile.port(gateway.gatewayConfig, in: environment),
            highest: Addresses.firstPortHighest)
        var settings = try SystemSettings(
            redis: redis, gateway: gateway, listen: listen, graceDefault: 5, logs: logs,
            in: environment)
        settings.startsServices = besideServices
        let system = SystemComposition(
            settings: settings, addresses: Addresses(gateway: port, place: settings.place),
            excluded: [], logger: logger)
        try await OneService.expectFree(
            [("gateway", port), ("admin", system.addresses.admin)], at: settings.place,
            command: "gateway")
        try await settings.expectUsableRedis(
            as: .events(namespace: settings.namespace), withCache: true, logger: logger)
        try await OneService.run(
            try system.gatewayAlone(), grace: settings.grace, in: environment, logger: logger)
    }
}
