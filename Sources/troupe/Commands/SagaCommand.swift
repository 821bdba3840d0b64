import ArgumentParser
import CloudEvents
import EventStreams
import Logging
import SagaRedis
import TroupeRedis

/// What can be asked about a single saga.
struct SagaCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "saga", abstract: "Looks at a single saga, and helps it on.",
        subcommands: [Show.self, ResolveStepCommand.self])

    /// The events of one saga, in their order.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "Shows the events of one saga in their order, and what blocks it.",
            usage: "troupe saga show <id> [options]")

        @OptionGroup var redis: RedisOptions
        @OptionGroup var logs: LogOptions

        @Argument(help: "The saga's ID; for an order, the order's ID.")
        var id: String

        @Flag(help: "Print each event as one line of JSON.")
        var json = false

        func run() async throws {
            let environment = EnvironmentOptions.ofThisProcess
            let logger = try logs.bootstrap(in: environment, default: .error)
            let address = try redis.address(in: environment)
            let namespace = try redis.namespace(in: environment)
            let role = RedisRole.reading(namespace: namespace)
            let saga = UUIDText.normal(id)
            let (account, blocked) = try await RedisConnection.with(
                address, as: role, logger: logger
            ) { client in
                let account = try await SagaHistory(
                    client: client, names: EventStreamKeys(namespace: namespace ?? "")
                ).account(of: saga)
                let said = account.events.map { String($0.source.dropFirst()) }
                let services = account.services.union(said).sorted()
                let blocked = try await BlockedSteps(
                    client: client, keys: SagaKeys(namespace: namespace ?? "")
                ).lines(of: saga, at: services)
                return (account, blocked)
            }
            let start = account.events.first?.time
            guard start != nil || !account.unshown.isEmpty else {
                throw CommandFailure(
                    .notFound, "no event of a saga “\(id.prefix(80))” is in the streams",
                    remedy: "troupe tail, to see the IDs of sagas as they run")
            }
            let line = EventLine(palette: Palette(for: .standard, environment: environment))
            for event in account.events {
                let text =
                    json
                    ? String(decoding: event.json(), as: UTF8.self)
                    : line.text(event, since: start)
                try await LineOutput.standard.result(text)
            }
            for text in account.unshown + blocked { await LineOutput.errors.line(text) }
        }
    }
}
