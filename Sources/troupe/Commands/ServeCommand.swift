import ArgumentParser
import Logging
import ServiceLifecycle

/// Runs one service of the order system.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Runs one service: \(ServiceName.list).",
        discussion: """
            Its neighbours are expected at the ports that `up` would give them,
            counted from its own; another place can be named with USERS_URL,
            PRODUCTS_URL, SANDBOX_URL. The admin port is 100 above its own.
            """)

    @Argument(help: ArgumentHelp("Which service.", valueName: "service"))
    var service: String

    @OptionGroup var redis: RedisOptions
    @OptionGroup var services: ServiceOptions
    @OptionGroup var logs: LogOptions

    @Option(help: ArgumentHelp("The port to listen on (PORT).", valueName: "port"))
    var port: Int?

    func run() async throws {
        let surroundings = Surroundings.ofThisProcess
        let logger = try logs.bootstrap(in: surroundings, default: .info)
        let name = try named()
        let port = try surroundings.port(
            port, "PORT", default: Addresses.firstPort + name.offset,
            highest: Addresses.firstPortHighest)
        let house = Ensemble(
            settings: try SystemSettings(
                redis: redis, services: services, logs: logs, in: surroundings),
            addresses: Addresses(gateway: port - name.offset), excluded: [], logger: logger)
        try await OneService.expectFree(
            [(name.rawValue, port), ("admin", port + 100)], command: "serve \(name.rawValue)")
        try await OneService.run(
            try house.services(only: name), in: surroundings, logger: logger)
    }

    private func named() throws(CommandFailure) -> ServiceName {
        if let name = ServiceName(rawValue: service.lowercased()) { return name }
        let nearest = NearestName.to(service, among: ServiceName.allCases.map(\.rawValue))
        throw CommandFailure(
            .usage, "there is no service “\(service)”, but \(ServiceName.list)",
            remedy: nearest.map { "troupe serve \($0)" } ?? "troupe serve --help")
    }
}

/// Runs the services of a process that has no Redis of its own, until a signal or, when it is
/// supervised, until its supervisor is gone.
enum OneService {
    /// Fails before anything is started, with what to do.
    static func expectFree(
        _ ports: [(name: String, port: Int)], command: String
    ) async throws(CommandFailure) {
        for (name, port) in ports {
            guard await !PortProbe.isFree(host: Addresses.host, port: port) else { continue }
            let other = ports[0].port + 1_000
            throw CommandFailure(
                .failure, "port \(port), for \(name), is in use",
                remedy: "stop what listens there, or troupe \(command) --port "
                    + "\(other <= Addresses.firstPortHighest ? other : Addresses.firstPort)")
        }
    }

    static func run(
        _ services: [any Service], in surroundings: Surroundings, logger: Logger
    ) async throws {
        let stopSwitch = StopSwitch()
        var configuration = ServiceGroupConfiguration(
            services: services.map { .init(service: $0) }, logger: logger)
        configuration.maximumGracefulShutdownDuration = StopSwitch.serviceLimit
        let group = ServiceGroup(configuration: configuration)
        stopSwitch.use(group)
        if surroundings.variables[SupervisedService.marker] != nil {
            stopSwitch.stopWhenInputEnds()
        }
        try await stopSwitch.run { try await group.run() }
    }
}
