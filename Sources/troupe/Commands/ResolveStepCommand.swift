import ArgumentParser
import CloudEvents
import Logging
import Saga
import SagaRedis
import TroupeRedis

/// Says what a person has found out about a step whose outcome nobody else knows.
struct ResolveStepCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resolve",
        abstract: "Answers for a step that waits for a person: it is done, or undone.",
        usage: """
            troupe saga resolve <id> --service <service> --step <step> --done --reason <text> -y
            """,
        discussion: """
            troupe saga show tells which step waits, and its question. The answer is left with
            the service, and takes effect when one of its replicas reads it, within a second if
            one runs. The first answer counts. What is said to be undone is not called any
            more: whoever says so vouches for it.
            """)

    @OptionGroup var redis: RedisOptions
    @OptionGroup var logs: LogOptions

    @Argument(help: "The saga's ID; for an order, the order's ID.")
    var id: String

    @Option(help: ArgumentHelp("Whose step it is.", valueName: "service"))
    var service: String

    @Option(help: ArgumentHelp("Which step waits.", valueName: "step"))
    var step: String

    @Option(help: ArgumentHelp("Which of its routes; the first unless given.", valueName: "route"))
    var route: String?

    @Flag(help: "It acted, and stands.")
    var done = false

    @Flag(help: "Nothing of it stands, and nothing will.")
    var undone = false

    @Option(help: ArgumentHelp("How you know; it is kept with the saga.", valueName: "text"))
    var reason: String

    @Flag(help: "Say what would be done, and do nothing.")
    var dryRun = false

    @Flag(name: .shortAndLong, help: "Do what is shown.")
    var yes = false

    func validate() throws {
        guard done != undone else { throw ValidationError("say either --done or --undone") }
        guard !reason.allSatisfy(\.isWhitespace) else {
            throw ValidationError("--reason is empty; say how you know")
        }
    }

    func run() async throws {
        let environment = EnvironmentOptions.ofThisProcess
        let logger = try logs.bootstrap(in: environment, default: .error)
        let address = try redis.address(in: environment)
        let namespace = try redis.namespace(in: environment)
        let text = try await RedisConnection.with(
            address, as: .resolving(namespace: namespace), logger: logger
        ) { client in
            try await resolve(on: client, SagaKeys(namespace: namespace ?? ""))
        }
        try await LineOutput.standard.result(text)
    }

    func resolve(on client: RedisClient, _ keys: SagaKeys) async throws -> String {
        let saga = UUIDText.normal(id)
        // Programs have a name of their own.
        let service = SystemService(rawValue: service.lowercased())?.owner ?? service
        let outcome = done ? PersonalWord.done : .undone
        let declared = try await client.send(
            RedisCommand(
                "HMGET", [.string(keys.declared(service)), "route", "asks"], isReadOnly: true)
        ).strings().map { $0 ?? "" }
        let naming = SagaNaming(Declaration.routes(in: declared[0]))
        let route = route ?? naming.routes.first ?? ""
        guard naming.routes.isEmpty || naming.routes.contains(route) else {
            throw CommandFailure(
                .notFound, "\(service) takes no part in route “\(route.prefix(80))”",
                remedy: "one of \(naming.routes.joined(separator: ", "))")
        }
        let name = naming.name(saga, on: route)
        let held = try await client.send(
            RedisCommand(
                "HMGET",
                [
                    .string(keys.ledger(named: name, by: naming, service: service)),
                    .string(step),
                    .string(PersonalWord.field(of: step)), .string(Debt.field(of: step)),
                ], isReadOnly: true)
        ).strings()
        let asks = Declaration.asks(step, on: route, in: declared[1])
        if let fault = Self.fault(held, asksPeople: asks, step, of: service) { throw fault }
        let would = "\(step) of \(saga.prefix(80)) at \(service) would be declared \(outcome)"
        if dryRun { return would }
        guard yes else {
            throw CommandFailure(.failure, would, remedy: "the same with -y")
        }
        let event = CloudEvent(
            source: "/troupe", type: ResolveStep.type, subject: saga,
            route: naming.routes.count > 1 ? route : nil,
            data: try EventPayload.encode(
                ResolveStep(step: step, outcome: outcome, reason: reason)))
        _ = try await client.send(
            RedisCommand(
                "XADD",
                [
                    .string(keys.again(service)), "*", "data", .bytes(event.json()),
                    "type", .string(event.type), "id", .string(event.id),
                    "correlationid", .string(saga),
                ]))
        let told = "\(service) is told that \(step) is \(outcome), and goes on when "
        // Whose event became a letter has nothing that is tried again.
        return held[2] == nil
            ? told + "its event comes again; next: put that back from \(keys.dead(service))"
            : told + "it has read that; next: troupe saga show \(saga)"
    }

    /// Why there is nothing to say; nil if there is.
    ///
    /// - Parameters:
    ///   - held: what the ledger holds of the step, and of what somebody has said of it, first.
    ///   - asksPeople: whether the service declares that the step asks a person.
    static func fault(
        _ held: [String?], asksPeople: Bool, _ step: String, of service: String
    ) -> CommandFailure? {
        guard let entry = held.first?.map({ LedgerEntry($0) }) else {
            return CommandFailure(
                .notFound, "\(service) knows no step “\(step.prefix(80))” of this saga",
                remedy: "troupe saga show, to see what it waits for")
        }
        guard entry.state == LedgerEntry.unknown else {
            return CommandFailure(
                .failure, "\(step) of \(service) is \(entry.state) already",
                remedy: "troupe saga show, to see what it waits for")
        }
        guard asksPeople else {
            return CommandFailure(
                .failure, "\(service) asks no person about \(step), and goes on by itself",
                remedy: "troupe saga show, to see what it waits for")
        }
        guard let known = held.dropFirst().first?.map({ LedgerEntry($0) }) else { return nil }
        return CommandFailure(
            .failure, "somebody has declared it \(known.state) before: \(known.note)",
            remedy: "troupe saga show, to see what it waits for")
    }
}
