import ArgumentParser
import Logging
import Redis
import ServiceLifecycle

/// Starts everything, and stops everything.
struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Starts the order system, the gateway and, if none answers, a Redis.",
        discussion: """
            A Redis that answers at --redis is used and left alone. If none does, and the
            address is on this machine, a redis-server with an append-only file is started;
            it is stopped last, and its data stays in the data folder.
            """)

    @OptionGroup var redis: RedisOptions
    @OptionGroup var gateway: GatewayOptions
    @OptionGroup var services: ServiceOptions
    @OptionGroup var logs: LogOptions

    @Option(
        help: ArgumentHelp(
            "The gateway's port; users to sandbox take the next seven, admin + 100 (PORT).",
            valueName: "port"))
    var port: Int?

    @Option(
        help: ArgumentHelp(
            "Leave a service out, to run your own in its place; repeatable.", valueName: "service"))
    var without: [String] = []

    @Flag(help: "One process for each service, started again when it ends.")
    var processes = false

    func run() async throws {
        let surroundings = Surroundings.ofThisProcess
        let logger = try logs.bootstrap(in: surroundings, default: .warning)
        let plan = try plan(in: surroundings)
        try await plan.expectFreePorts()

        let stopSwitch = StopSwitch()
        if surroundings.variables[SupervisedService.marker] != nil {
            stopSwitch.stopWhenInputEnds()
        }
        try await stopSwitch.run {
            let source = try await RedisSource.open(
                plan.settings.redis, dataFolder: plan.settings.dataFolder, logger: logger)
            try await source.whileRunning(stopSwitch) {
                let group = ServiceGroup(
                    configuration: try await plan.group(on: source, logger: logger))
                stopSwitch.use(group)
                try await group.run()
            }
        }
    }

    private func plan(in surroundings: Surroundings) throws(CommandFailure) -> UpPlan {
        UpPlan(
            settings: try SystemSettings(
                redis: redis, gateway: gateway, services: services, logs: logs,
                in: surroundings),
            addresses: Addresses(
                gateway: try surroundings.port(
                    port, "PORT", default: Addresses.firstPort,
                    highest: Addresses.firstPortHighest)),
            excluded: try excludedServices(),
            usesProcesses: processes,
            palette: Palette(for: .standard, surroundings: surroundings))
    }

    private func excludedServices() throws(CommandFailure) -> Set<ServiceName> {
        var excluded: Set<ServiceName> = []
        for name in without {
            excluded.insert(
                try Surroundings(variables: [:]).choice(
                    name, "", flag: "--without", default: .users))
        }
        return excluded
    }
}

/// What `up` is going to start.
struct UpPlan: Sendable {
    var settings: SystemSettings
    var addresses: Addresses
    var excluded: Set<ServiceName>
    var usesProcesses: Bool
    var palette: Palette

    /// Fails before anything is started, with what to do.
    func expectFreePorts() async throws(CommandFailure) {
        for (name, port) in addresses.all(without: excluded) {
            guard await !PortProbe.isFree(host: Addresses.host, port: port) else { continue }
            let other =
                addresses.gateway + 1_000 <= Addresses.firstPortHighest
                ? addresses.gateway + 1_000 : Addresses.firstPort
            throw CommandFailure(
                .failure, "port \(port), for \(name), is in use; is another troupe up running?",
                remedy: "troupe up --port \(other) --namespace second")
        }
    }

    /// The services in the order of their start; they stop in reverse.
    func group(
        on source: RedisSource, logger: Logger
    ) async throws -> ServiceGroupConfiguration {
        let opening = Opening(plan: self, source: source)
        let services: [any Service] =
            usesProcesses
            ? supervised(logger: logger)
            : try Ensemble(
                settings: settings, addresses: addresses, excluded: excluded, logger: logger
            ).services()
        var configuration = ServiceGroupConfiguration(
            services: (services + [opening]).map { .init(service: $0) }, logger: logger)
        configuration.maximumGracefulShutdownDuration = StopSwitch.serviceLimit
        return configuration
    }

    /// One child for each service, and the gateway last, since it is first to stop.
    private func supervised(logger: Logger) -> [any Service] {
        func child(_ name: String, _ arguments: [String], port: Int) -> any Service {
            SupervisedService(
                name, arguments + ["--port", String(port)], variables: settings.variables,
                logger: logger)
        }
        return ServiceName.startOrder
            .filter { !excluded.contains($0) }
            .map { child($0.rawValue, ["serve", $0.rawValue], port: addresses.port(of: $0)) }
            + [child("gateway", ["gateway"], port: addresses.gateway)]
    }
}

extension RedisSource {
    /// Runs `body` with the Redis in place; one of our own is stopped afterwards, also after
    /// an error.
    fileprivate func whileRunning(
        _ stopSwitch: StopSwitch, _ body: @Sendable () async throws -> Void
    ) async throws {
        guard case .own(let server, let lock) = self else { return try await body() }
        stopSwitch.use(server)
        let supervision = Task { await server.supervise() }
        do {
            try await body()
        } catch {
            await server.stop()
            await supervision.value
            throw error
        }
        await server.stop()
        await supervision.value
        withExtendedLifetime(lock) {}
    }
}
