import ArgumentParser
import Logging
import Observability
import Saga
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
            than ledgers are kept, is only shown. Exit code 1 when a person has to look.
            """)

    @OptionGroup var redis: RedisOptions
    @OptionGroup var logs: LogOptions

    @Flag(help: "Show what is not in order, and do nothing about it.")
    var dryRun = false

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
        let surroundings = Surroundings.ofThisProcess
        let logger = try logs.bootstrap(in: surroundings, default: .error)
        let settings = try SystemSettings(redis: redis, logs: logs, in: surroundings)
        let limit = limit ?? SagaRuntimeConfiguration().reconciliationUndosMaximum
        guard limit >= 0 else {
            throw CommandFailure(.usage, "--limit is \(limit), but must be 0 or more")
        }
        let addresses = Addresses(
            gateway: try surroundings.port(
                port, "PORT", default: Addresses.firstPort, highest: Addresses.firstPortHighest))
        let client = try await RedisConnection.open(
            settings.redis, as: .reading(namespace: settings.namespace), logger: logger)
        let house = Ensemble(
            settings: settings, addresses: addresses, excluded: [], logger: logger)
        let found: [OutsideFinding]
        do {
            found = try await house.reconcile(undos: dryRun ? nil : limit, on: client)
        } catch let error as SagaError {
            await client.shutdown()
            throw CommandFailure(
                .unreachable, "the ledgers cannot be read: \(error.message)",
                remedy: "troupe doctor")
        } catch {
            await client.shutdown()
            throw CommandFailure(
                .unreachable, "the books cannot be read: \(error)",
                remedy: "troupe up, or SANDBOX_URL, which says where the companies are")
        }
        await client.shutdown()
        try await tell(found)
    }

    private func tell(_ found: [OutsideFinding]) async throws {
        if found.isEmpty {
            await LineOutput.standard.line("books and ledgers agree")
            return
        }
        let rows = found.map { finding in
            [
                finding.participant, "\(finding.step) of \(finding.sagaID)",
                Timestamp(milliseconds: finding.entry.made).description, finding.advice,
            ]
        }
        for line in TextTable.lines(rows) { await LineOutput.standard.line(line) }
        if found.contains(where: \.needsAPerson) {
            throw ExitCode(CommandFailure.Code.failure.rawValue)
        }
    }
}
