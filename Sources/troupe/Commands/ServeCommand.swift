import ArgumentParser
import Logging
import PlainText
import ServiceHTTP

/// Runs one service of the order system.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Runs one service: \(SystemService.list).",
        usage: "troupe serve <service> [options]",
        discussion: """
            Its neighbours are expected at the ports that `up` would give them,
            counted from its own; another place can be named with USERS_URL,
            PRODUCTS_URL, SANDBOX_URL. The admin port is 100 above its own.
            """)

    @Argument(help: ArgumentHelp("Which service.", valueName: "service"))
    var service: String

    @OptionGroup var redis: RedisOptions
    @OptionGroup var services: ServiceOptions
    @OptionGroup var listen: ListenOptions
    @OptionGroup var logs: LogOptions

    @Option(help: ArgumentHelp("The port to listen on (PORT).", valueName: "port"))
    var port: Int?

    func run() async throws {
        let environment = EnvironmentOptions.ofThisProcess
        var logger = try logs.bootstrap(in: environment, default: .info)
        let name = try named()
        // Beside others in one log, each line says whose it is.
        logger[metadataKey: "service"] = "\(name.rawValue)"
        let port = try environment.port(
            port, "PORT", default: Addresses.firstPort + name.offset,
            highest: Addresses.firstPortHighest)
        let settings = try SystemSettings(
            redis: redis, services: services, listen: listen, graceDefault: 5, logs: logs,
            in: environment)
        let system = SystemComposition(
            settings: settings,
            addresses: Addresses(gateway: port - name.offset, place: settings.place),
            excluded: [], logger: logger)
        try await OneService.expectFree(
            [(name.rawValue, port), ("admin", Addresses.admin(of: port))], at: settings.place,
            command: "serve \(name.rawValue)")
        try await settings.expectUsableRedis(
            as: .services([name], namespace: settings.namespace), logger: logger)
        try await OneService.run(
            try system.services(only: name), grace: settings.grace, in: environment,
            logger: logger)
    }

    private func named() throws(CommandFailure) -> SystemService {
        if let name = SystemService(rawValue: service.lowercased()) { return name }
        let nearest = Spelling.slip(service, of: SystemService.allCases.map(\.rawValue))
        throw CommandFailure(
            .usage, "there is no service “\(service)”, but \(SystemService.list)",
            remedy: nearest.map { "troupe serve \($0)" } ?? "troupe serve --help")
    }
}

/// Runs the services of a process that has no Redis of its own, until a signal or, when it is
/// supervised, until its supervisor is gone.
enum OneService {
    /// Fails before anything is started, with what to do.
    static func expectFree(
        _ ports: [(name: String, port: Int)], at place: Addresses.Place, command: String
    ) async throws(CommandFailure) {
        for (name, port) in ports {
            let host = name == "admin" ? place.adminHost : place.host
            let other = ports[0].port + 1_000
            try await PortProbe.expectFree(
                (name, option: name == "admin" ? "--admin-host" : "--host"), host: host, port: port,
                taken: CommandFailure(
                    .failure, "port \(port), for \(name), is in use",
                    remedy: "stop what listens there, or troupe \(command) --port "
                        + "\(other <= Addresses.firstPortHighest ? other : Addresses.firstPort)"))
        }
    }

    static func run(
        _ system: SystemComposition.Services, grace: Duration, in environment: EnvironmentOptions,
        logger: Logger
    ) async throws {
        let stop = OrderlyStop.ofThisProcess(grace: grace, in: environment, logger: logger)
        stop.announce(to: system.announceStop)
        try await stop.run(system.all)
    }
}
