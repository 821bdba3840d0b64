import ArgumentParser
import Logging
import ServiceHTTP
import ServiceLifecycle
import TroupeRedis

/// Starts everything, and stops everything.
struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Starts the order system, the gateway and, if none answers, a Redis.",
        usage: "troupe up [options]",
        discussion: """
            A Redis that answers at --redis is used and left alone. If none does, and the
            address is on this machine, a redis-server with an append-only file is started;
            it is stopped last, and its data stays in the data folder.
            """)

    @OptionGroup var redis: RedisOptions
    @OptionGroup var gateway: GatewayOptions
    @OptionGroup var services: ServiceOptions
    @OptionGroup var listen: ListenOptions
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
        let environment = EnvironmentOptions.ofThisProcess
        let logger = try logs.bootstrap(in: environment, default: .warning)
        let plan = try plan(in: environment)
        try await plan.expectFreePorts()

        let stop = OrderlyStop.ofThisProcess(
            grace: plan.settings.grace, in: environment, logger: logger)
        try await stop.run {
            let source = try await RedisSource.open(
                plan.settings.redis, dataFolder: plan.settings.dataFolder, logger: logger,
                launched: { server in stop.beforeEnding { server.stopSoon() } })
            try await source.whileRunning {
                if case .found = source { try await plan.expectUsableRedis(logger: logger) }
                try await stop.serve(
                    try await plan.services(on: source, stop, logger: logger))
            }
        }
    }

    private func plan(in environment: EnvironmentOptions) throws(CommandFailure) -> UpPlan {
        let settings = try SystemSettings(
            redis: redis, gateway: gateway, services: services, listen: listen, graceDefault: 0,
            logs: logs, in: environment)
        return UpPlan(
            settings: settings,
            addresses: Addresses(
                gateway: try environment.port(
                    port, "PORT",
                    default: GatewayFile.port(gateway.gatewayConfig, in: environment),
                    highest: Addresses.firstPortHighest), place: settings.place),
            excluded: try excludedServices(),
            usesProcesses: processes,
            palette: Palette(for: .standard, environment: environment))
    }

    private func excludedServices() throws(CommandFailure) -> Set<SystemService> {
        var excluded: Set<SystemService> = []
        for name in without {
            excluded.insert(
                try EnvironmentOptions(variables: [:]).choice(
                    name, "", flag: "--without", default: .users))
        }
        return excluded
    }
}

/// What `up` is going to start.
struct UpPlan: Sendable {
    var settings: SystemSettings
    var addresses: Addresses
    var excluded: Set<SystemService>
    var usesProcesses: Bool
    var palette: Palette

    /// Fails before anything is started, with what to do.
    func expectFreePorts() async throws(CommandFailure) {
        for (name, port) in addresses.all(without: excluded) {
            let host = addresses.host(of: name)
            let other =
                addresses.gateway + 1_000 <= Addresses.firstPortHighest
                ? addresses.gateway + 1_000 : Addresses.firstPort
            try await PortProbe.expectFree(
                (name, option: name == "admin" ? "--admin-host" : "--host"), host: host, port: port,
                taken: CommandFailure(
                    .failure,
                    "port \(port), for \(name), is in use; is another troupe up running?",
                    remedy: "troupe up --port \(other) --namespace second --data-folder .second"))
        }
    }

    /// Fails on a Redis that could never do what is to be started.
    func expectUsableRedis(logger: Logger) async throws(CommandFailure) {
        let names = SystemService.startOrder.filter { !excluded.contains($0) }
        let role = RedisRole.everything(
            names, namespace: settings.namespace, withCache: settings.cacheRedis == nil)
        try await settings.expectUsableRedis(
            as: role, withCache: settings.cacheRedis != nil, logger: logger)
    }

    /// The services in the order of their start; they stop in reverse.
    func services(
        on source: RedisSource, _ stop: OrderlyStop, logger: Logger
    ) async throws -> [any Service] {
        let banner = ReadyBanner(plan: self, source: source)
        let namesCompanies = EnvironmentOptions.ofThisProcess.text(nil, "SANDBOX_URL") != nil
        if excluded.contains(.sandbox) || namesCompanies {
            return try system(stop, logger: logger) + [banner]
        }
        let claim = try await SystemClaim(
            on: settings.redis, namespace: settings.namespace, dataFolder: settings.dataFolder,
            logger: logger)
        do {
            return [claim] + (try system(stop, logger: logger)) + [banner]
        } catch {
            await claim.giveBack()
            throw error
        }
    }

    /// What is started, in this process or in its children.
    private func system(_ stop: OrderlyStop, logger: Logger) throws -> [any Service] {
        if usesProcesses {
            let children = supervised(logger: logger)
            for child in children { stop.announce(to: child.announceStop) }
            return children
        }
        let system = try SystemComposition(
            settings: settings, addresses: addresses, excluded: excluded, logger: logger
        ).services()
        stop.announce(to: system.announceStop)
        return system.all
    }

    /// One child for each service, and the gateway last, since it is first to stop.
    private func supervised(logger: Logger) -> [SupervisedService] {
        func child(_ name: String, _ arguments: [String], port: Int) -> SupervisedService {
            var variables = settings.variables
            // Behind a gateway that has gone nobody asks any more.
            if name != "gateway" { variables["TROUPE_GRACE"] = "0" }
            return SupervisedService(
                name, arguments + ["--port", String(port)], variables: variables, logger: logger)
        }
        return SystemService.startOrder
            .filter { !excluded.contains($0) }
            .map { child($0.rawValue, ["serve", $0.rawValue], port: addresses.port(of: $0)) }
            + [child("gateway", ["gateway", "--beside-services"], port: addresses.gateway)]
    }
}

extension RedisSource {
    /// Runs `body` with the Redis in place; one of our own is stopped afterwards, also after
    /// an error.
    fileprivate func whileRunning(_ body: @Sendable () async throws -> Void) async throws {
        guard case .own(let server, let lock) = self else { return try await body() }
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
