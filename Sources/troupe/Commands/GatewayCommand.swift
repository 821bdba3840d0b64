import ArgumentParser
import Logging
import ServiceLifecycle

/// Runs a gateway alone; several can stand side by side on one Redis.
struct GatewayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gateway",
        abstract: "Runs a gateway before services that run elsewhere.",
        discussion: """
            Without --gateway-config, the services are expected at the ports that
            `up` would give them, counted from the gateway's. The admin port is 100
            above its own.
            """)

    @OptionGroup var redis: RedisOptions
    @OptionGroup var gateway: GatewayOptions
    @OptionGroup var logs: LogOptions

    @Option(help: ArgumentHelp("The port to listen on (PORT; default 3000).", valueName: "port"))
    var port: Int?

    func run() async throws {
        let surroundings = Surroundings.ofThisProcess
        let logger = try logs.bootstrap(in: surroundings, default: .info)
        let port = try surroundings.port(
            port, "PORT", default: Addresses.firstPort, highest: Addresses.firstPortHighest)
        let house = Ensemble(
            settings: try SystemSettings(
                redis: redis, gateway: gateway, logs: logs, in: surroundings),
            addresses: Addresses(gateway: port), excluded: [], logger: logger)
        try await OneService.expectFree(
            [("gateway", port), ("admin", house.addresses.admin)], command: "gateway")
        try await OneService.run(try house.gatewayAlone(), in: surroundings, logger: logger)
    }
}
