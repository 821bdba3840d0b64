import ArgumentParser
import Logging
import Observability

/// What `up` and `gateway` need for the gateway.
struct GatewayOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Another Redis for the gateway's cache (TROUPE_CACHE_REDIS; default the same).",
            valueName: "url"))
    var cacheRedis: String?

    @Option(
        help: ArgumentHelp(
            "The gateway's configuration (TROUPE_GATEWAY; default deploy/gateway.yaml).",
            valueName: "file"))
    var gatewayConfig: String?
}

/// What `up` and `serve` need for the services.
struct ServiceOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Where the sandbox and a Redis of our own keep their data (TROUPE_DATA; "
                + "default .troupe).", valueName: "folder"))
    var dataFolder: String?

    @Option(
        help: ArgumentHelp(
            "How services react to each other: choreography (TROUPE_COORDINATION).",
            valueName: "kind"))
    var coordination: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Seconds after which a pending order is cancelled (TROUPE_ORDER_DEADLINE; "
                + "default 30).", valueName: "seconds"))
    var orderDeadline: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How many calls a second payments and shipping may each make to their company "
                + "(TROUPE_COMPANY_RATE; default no limit).", valueName: "calls"))
    var companyRate: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "After how many accidents in a row a company is not called for a while "
                + "(TROUPE_COMPANY_ACCIDENTS; default 20, 0 for never).", valueName: "count"))
    var companyAccidents: String?

    @OptionGroup var saga: SagaOptions

    private static let coordinations = ["choreography"]

    fileprivate static func expectKnown(
        coordination: String?, in environment: EnvironmentOptions
    ) throws(CommandFailure) {
        let variable = "TROUPE_COORDINATION"
        guard let text = environment.text(coordination, variable),
            !coordinations.contains(text.lowercased())
        else { return }
        let all = coordinations.joined(separator: ", ")
        throw CommandFailure(
            .usage,
            "\(coordination == nil ? variable : "--coordination") is “\(text)”, but the "
                + "coordinations of this version are: \(all)",
            remedy: "--coordination \(coordinations[0])")
    }

    fileprivate static func deadline(
        _ orderDeadline: String?, in environment: EnvironmentOptions
    ) throws(CommandFailure) -> Duration? {
        try environment.seconds(
            orderDeadline, "TROUPE_ORDER_DEADLINE", what: "the order deadline",
            within: 1...86_400, remedy: "--order-deadline 30")
    }
}

/// The options of a running system, understood.
struct SystemSettings: Sendable {
    var redis: RedisAddress
    var cacheRedis: RedisAddress?
    var namespace: String?
    var gatewayFile: String?
    /// Whether the services of the order system are started with the gateway.
    var startsServices = false
    var dataFolder: String
    var orderDeadline: Duration?
    var companies: CompanyLimits
    var limits: SagaLimits
    var logs: LogConfiguration
    var place = Addresses.Place()
    /// Whether an option or a variable says where to listen, rather than a file.
    var hostIsNamed = false
    /// How long to go on serving after readiness has ended.
    var grace = Duration.zero

    /// Options that a command does not have come from their variables alone.
    init(
        redis: RedisOptions, gateway: GatewayOptions? = nil, services: ServiceOptions? = nil,
        listen: ListenOptions? = nil, graceDefault: Int = 0, logs: LogOptions,
        in environment: EnvironmentOptions
    ) throws(CommandFailure) {
        try ServiceOptions.expectKnown(coordination: services?.coordination, in: environment)
        self.redis = try redis.address(in: environment)
        let cacheURL = environment.text(gateway?.cacheRedis, "TROUPE_CACHE_REDIS")
        cacheRedis = try cacheURL.map { (url) throws(CommandFailure) in
            try RedisAddress(url: url, source: "--cache-redis")
        }
        namespace = try redis.namespace(in: environment)
        gatewayFile = environment.text(gateway?.gatewayConfig, "TROUPE_GATEWAY")
        startsServices = services != nil
        dataFolder = DataFolder.absolute(
            environment.text(services?.dataFolder, "TROUPE_DATA") ?? ".troupe")
        orderDeadline = try ServiceOptions.deadline(services?.orderDeadline, in: environment)
        companies = try CompanyLimits(
            rate: services?.companyRate, accidents: services?.companyAccidents, in: environment)
        limits = try SagaLimits(
            services?.saga, orderDeadline: orderDeadline, in: environment)
        place = try ListenOptions.place(listen, in: environment)
        hostIsNamed = environment.text(listen?.host, "HOST") != nil
        grace = try ListenOptions.grace(listen, in: environment, default: graceDefault)
        self.logs = try logs.configuration(in: environment, default: .warning)
    }

    /// The same for a child, in its environment, where a password of Redis is not seen by
    /// everybody as it is in a command line.
    var variables: [String: String] {
        var variables = [
            "REDIS_URL": redis.url, "TROUPE_DATA": dataFolder, "LOG_LEVEL": logs.level.rawValue,
            "LOG_FORMAT": logs.format.rawValue, "TROUPE_ADMIN_HOST": place.adminHost,
            "TROUPE_GRACE": String(grace.components.seconds),
        ]
        if hostIsNamed { variables["HOST"] = place.host }
        variables["TROUPE_CACHE_REDIS"] = cacheRedis?.url
        variables["TROUPE_NAMESPACE"] = namespace
        variables["TROUPE_GATEWAY"] = gatewayFile
        variables["TROUPE_ORDER_DEADLINE"] = orderDeadline.map { String($0.components.seconds) }
        return variables.merging(companies.variables) { $1 }.merging(limits.variables) { $1 }
    }
}
