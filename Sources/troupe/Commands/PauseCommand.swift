import ArgumentParser
import Logging
import SagaRedis
import Timekeeping
import TroupeRedis

/// Has a service read no events, as before a deployment.
struct PauseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Has all replicas of a service read no events until it is resumed.",
        usage: "troupe pause <service> [options]",
        discussion: """
            What is under way goes on to its end, within a second nothing new is begun, and
            nothing is lost: events wait in their streams. Requests are answered all the
            same, and deadlines go on, so that sagas may be cancelled meanwhile.
            """)

    @Argument(
        help: ArgumentHelp("Which service; any that takes part in sagas.", valueName: "service"))
    var service: String

    @OptionGroup var redis: RedisOptions
    @OptionGroup var logs: LogOptions

    @Option(help: ArgumentHelp("Why, for whoever finds it paused.", valueName: "text"))
    var reason = ""

    @Flag(help: "Say what would be done, and do nothing.")
    var dryRun = false

    func run() async throws {
        try await PauseSwitch(service, redis, logs).set(isOn: true, reason: reason, dryRun: dryRun)
    }
}

/// Lets a service read events again.
struct ResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Lets a service read events again.",
        usage: "troupe resume <service> [options]")

    @Argument(help: ArgumentHelp("Which service.", valueName: "service"))
    var service: String

    @OptionGroup var redis: RedisOptions
    @OptionGroup var logs: LogOptions

    @Flag(help: "Say what would be done, and do nothing.")
    var dryRun = false

    func run() async throws {
        try await PauseSwitch(service, redis, logs).set(isOn: false, reason: "", dryRun: dryRun)
    }
}

/// The key that stands while a service is paused.
private struct PauseSwitch {
    private let service: String
    private let redis: RedisOptions
    private let logs: LogOptions

    init(_ service: String, _ redis: RedisOptions, _ logs: LogOptions) {
        // Programs have a name of their own.
        self.service = SystemService(rawValue: service.lowercased())?.owner ?? service
        self.redis = redis
        self.logs = logs
    }

    func set(isOn: Bool, reason: String, dryRun: Bool) async throws {
        let environment = EnvironmentOptions.ofThisProcess
        let logger = try logs.bootstrap(in: environment, default: .error)
        let address = try redis.address(in: environment)
        let keys = SagaKeys(namespace: try redis.namespace(in: environment) ?? "")
        let role = RedisRole.pausing(namespace: try redis.namespace(in: environment))
        let text = try await RedisConnection.with(address, as: role, logger: logger) { client in
            try await change(client, keys, isOn: isOn, reason: reason, dryRun: dryRun)
        }
        try await LineOutput.standard.result(text)
    }

    private func change(
        _ client: RedisClient, _ keys: SagaKeys, isOn: Bool, reason: String, dryRun: Bool
    ) async throws -> String {
        let cursor = keys.cursor(service)
        guard try await client.send(.exists(keys.born(service), cursor)).integer ?? 0 > 0 else {
            throw CommandFailure(
                .notFound, "no service “\(service.prefix(80))” takes part in sagas on this Redis",
                remedy: "troupe doctor, to see which Redis this is")
        }
        let key = keys.paused(service)
        let known = try await client.send(.get(key)).string
        if isOn, let known { return "\(service) is paused already, since \(known)" }
        if !isOn, known == nil { return "\(service) is not paused" }
        if dryRun { return "\(service) would be \(isOn ? "paused" : "resumed")" }
        if isOn {
            let since = Timestamp(milliseconds: SystemTime.milliseconds())
            let text = reason.isEmpty ? since.description : "\(since) \(reason)"
            _ = try await client.send(.set(key, .string(text)))
        } else {
            _ = try await client.send(.unlink([key]))
        }
        return isOn
            ? "\(service) reads nothing from now on; next: troupe resume \(service)"
            : "\(service) reads again within a second"
    }
}
