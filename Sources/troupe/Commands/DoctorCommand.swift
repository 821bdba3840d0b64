import ArgumentParser
import Logging
import Saga
import SagaRedis
import TroupeRedis

/// Looks for what would go wrong, and says what to do about it.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Checks Redis, rights, ports, clocks and sagas; each finding has a remedy.",
        usage: "troupe doctor [options]",
        discussion: """
            It does on Redis what services and gateway do, publishes nothing and leaves
            nothing there. It looks for dead letters, blocked sagas, groups that nobody
            reads with any more, and for data that was lost: data younger than its events,
            or than what the companies' books hold (SANDBOX_URL, or counted from PORT). Exit code 0
            when nothing is wrong, 1 with a problem, 4 without a Redis that can be used.
            """)

    @OptionGroup var redis: RedisOptions
    @OptionGroup var logs: LogOptions

    @Option(
        help: ArgumentHelp(
            "The Redis of the gateway's cache (TROUPE_CACHE_REDIS; default the same).",
            valueName: "url"))
    var cacheRedis: String?

    @Option(
        help: ArgumentHelp("The gateway's port that `up` would take (PORT).", valueName: "port"))
    var port: Int?

    func run() async throws {
        let environment = EnvironmentOptions.ofThisProcess
        let logger = try logs.bootstrap(in: environment, default: .error)
        let address = try redis.address(in: environment)
        let cache = try environment.text(cacheRedis, "TROUPE_CACHE_REDIS").map {
            (url) throws(CommandFailure) in
            try RedisAddress(url: url, source: "--cache-redis")
        }
        let namespace = try redis.namespace(in: environment)
        let settings = try SystemSettings(redis: redis, logs: logs, in: environment)
        var addresses = Addresses(
            gateway: try environment.port(
                port, "PORT", default: Addresses.firstPort, highest: Addresses.firstPortHighest))
        addresses.place = try ListenOptions.place(in: environment)
        let palette = Palette(for: .standard, environment: environment)

        let answer = await RedisProbe.ask(address, logger: logger)
        var findings = [Diagnosis.hiredis(HiredisVersion.text)]
        var shortcomings: [Shortcoming] = []
        if case .answers(let facts) = answer {
            shortcomings = await Rehearsal.shortcomings(
                of: address, as: .everything(namespace: namespace, withCache: cache == nil),
                logger: logger)
            findings += Diagnosis.findings(facts, at: address.configuration)
            findings += Diagnosis.findings(shortcomings, at: address.configuration)
            if !shortcomings.contains(where: \.isForeign) {
                findings += await sagas(
                    at: address, namespace ?? "", settings.limits,
                    companiesURL: environment.text(nil, "SANDBOX_URL")
                        ?? addresses.url(of: .sandbox),
                    logger: logger)
            }
        }
        if let cache {
            findings += Diagnosis.cacheFindings(
                await Rehearsal.shortcomings(
                    of: cache, as: .cache(namespace: namespace), logger: logger),
                at: cache.configuration)
        }
        var taken: [(name: String, port: Int)] = []
        for (name, port) in addresses.all()
        where await !PortProbe.isFree(host: addresses.host(of: name), port: port) {
            taken.append((name, port))
        }
        findings += Diagnosis.ports(addresses, taken: taken)
        try await LineOutput.standard.result("Redis at \(address.shown)")
        for line in TextTable.lines(findings.map { row($0, palette) }) {
            try await LineOutput.standard.result(line)
        }
        if let fault = shortcomings.first(where: \.isForeign) {
            throw CommandFailure(
                .unreachable, fault.what, remedy: fault.remedy(on: address.configuration))
        }
        try judge(answer, findings, at: address)
    }

    private func sagas(
        at address: RedisAddress, _ namespace: String, _ limits: SagaLimits, companiesURL: String,
        logger: Logger
    ) async -> [Diagnosis.Finding] {
        let client = address.quietClient("troupe-doctor", within: .seconds(5), logger: logger)
        let usual = SagaRuntimeConfiguration()
        let facts = await SagaSurvey(
            client: client, namespace: namespace,
            retention: limits.retention ?? usual.retention,
            ledgerLife: limits.ledgerLife ?? usual.ledgerTimeToLive,
            settled: usual.reconciliationGrace
                + (limits.reconcileEvery ?? usual.reconciliationInterval) * 2,
            companiesURL: companiesURL
        ).facts()
        await client.shutdown()
        return Diagnosis.findings(
            facts, at: address.configuration, SagaKeys(namespace: namespace))
    }

    private func row(_ finding: Diagnosis.Finding, _ palette: Palette) -> [String] {
        let mark =
            switch finding.level {
            case .fine: palette.paint("ok     ", .green)
            case .advice: palette.paint("advice ", .yellow)
            case .problem: palette.paint("problem", .red, bold: true)
            }
        let remedy = finding.remedy.map { "  →  \($0)" } ?? ""
        return [mark, finding.subject, finding.what + remedy]
    }

    private func judge(
        _ answer: RedisProbe.Answer, _ findings: [Diagnosis.Finding], at address: RedisAddress
    ) throws {
        switch answer {
        case .answers:
            guard findings.contains(where: { $0.level == .problem }) else { return }
            throw ExitCode(CommandFailure.Code.failure.rawValue)
        case .fails(.silent(let reason)) where address.portForOwnServer != nil:
            throw CommandFailure(
                .unreachable, "it does not answer: \(reason)", remedy: "troupe up starts one")
        case .fails(let shortcoming):
            throw CommandFailure(
                .unreachable, shortcoming.what,
                remedy: shortcoming.remedy(on: address.configuration))
        }
    }
}
