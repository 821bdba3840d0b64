import ArgumentParser
import JSONText
import Logging
import Saga
import Timekeeping
import TroupeRedis

/// Looks for what stands at the companies and in no ledger, and does something about it.
struct ReconcileCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reconcile",
        abstract: "Compares the companies' books with the ledgers, as after a loss of data.",
        usage: "troupe reconcile [options]",
        discussion: """
            Payments and shipping do the same at their start and every minute. Of what no
            ledger knows, the owner of the order is asked by an event, and what belongs to a
            cancelled order is undone the next time. What is older than the data in Redis, or
            than ledgers are kept, is only shown. It shows what it would do, and does it with
            -y. Exit code 1 when a person has to look, or something failed.
            """)

    @OptionGroup var redis: RedisOptions
    @OptionGroup var logs: LogOptions

    @Flag(help: "Show what is not in order, and do nothing about it.")
    var dryRun = false

    @Flag(name: .shortAndLong, help: "Do what is shown.")
    var yes = false

    @Flag(help: "One JSON object a line.")
    var json = false

    @Option(
        help: ArgumentHelp(
            "How many undos may be made for each company; more are probably a mistake "
                + "(default 20).", valueName: "count"))
    var limit: Int?

    @Option(
        help: ArgumentHelp(
            "The gateway's port, from which the sandbox's is counted (PORT); SANDBOX_URL names "
                + "another place.", valueName: "port"))
    var port: Int?

    func run() async throws {
        let environment = EnvironmentOptions.ofThisProcess
        let logger = try logs.bootstrap(in: environment, default: .error)
        let settings = try SystemSettings(redis: redis, logs: logs, in: environment)
        let limit = limit ?? SagaRuntimeConfiguration().reconciliationUndosMaximum
        guard limit >= 0 else {
            throw CommandFailure(.usage, "--limit is \(limit), but must be 0 or more")
        }
        let addresses = Addresses(
            gateway: try environment.port(
                port, "PORT", default: Addresses.firstPort, highest: Addresses.firstPortHighest))
        let client = try await RedisConnection.open(
            settings.redis, as: .reading(namespace: settings.namespace), logger: logger)
        let system = SystemComposition(
            settings: settings, addresses: addresses, excluded: [], logger: logger)
        do {
            try await reconcile(system, on: client, limit)
        } catch {
            await client.shutdown()
            throw error
        }
        await client.shutdown()
    }

    private func reconcile(
        _ system: SystemComposition, on client: RedisClient, _ limit: Int
    ) async throws {
        var report = try await compare(system, on: client, undos: nil)
        try await tell(report)
        if !dryRun, report.findings.contains(where: { !$0.needsAPerson }) {
            guard yes else {
                throw CommandFailure(
                    .failure, "nothing was done about it yet", remedy: "troupe reconcile -y")
            }
            report = try await compare(system, on: client, undos: limit)
            for failure in report.failures {
                await LineOutput.errors.line(
                    "not done: \(failure.finding.step) of \(failure.finding.sagaID): "
                        + failure.reason)
            }
        }
        if !report.failures.isEmpty || !report.unread.isEmpty
            || report.findings.contains(where: \.needsAPerson)
        {
            throw ExitCode(CommandFailure.Code.failure.rawValue)
        }
    }

    private func compare(
        _ system: SystemComposition, on client: RedisClient, undos: Int?
    ) async throws -> OutsideReport {
        do {
            return try await system.reconcile(undos: undos, on: client)
        } catch let error as SagaError {
            throw CommandFailure(
                .unreachable, "the ledgers cannot be read: \(error.message)",
                remedy: "troupe doctor")
        } catch {
            throw CommandFailure(
                .unreachable, "the books cannot be read: \(error)",
                remedy: "troupe up, or SANDBOX_URL, which says where the companies are")
        }
    }

    private func tell(_ report: OutsideReport) async throws {
        for fault in report.unread {
            await LineOutput.errors.line("some books cannot be read: \(fault)")
        }
        if json {
            for finding in report.findings {
                try await LineOutput.standard.result(FindingLine.text(finding))
            }
            return
        }
        if report.findings.isEmpty, report.unread.isEmpty {
            try await LineOutput.standard.result("books and ledgers agree")
            return
        }
        let rows = report.findings.map { finding in
            [
                finding.participant, "\(finding.step) of \(finding.sagaID)",
                Timestamp(milliseconds: finding.entry.made).description, finding.advice,
            ]
        }
        for line in TextTable.lines(rows) { try await LineOutput.standard.result(line) }
    }
}

/// What `--json` says of a finding.
private enum FindingLine {
    static func text(_ finding: OutsideFinding) -> String {
        let line = JSONWriter.object {
            $0.set("advice", finding.advice)
            $0.set("key", finding.entry.key)
            $0.set("madeAt", Timestamp(milliseconds: finding.entry.made).description)
            $0.set("needsAPerson", finding.needsAPerson)
            $0.set("saga", finding.sagaID)
            $0.set("service", finding.participant)
            $0.set("step", finding.step)
        }
        return String(decoding: line, as: UTF8.self)
    }
}
