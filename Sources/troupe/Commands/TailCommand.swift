import ArgumentParser
import CloudEvents
import EventStreams
import Logging
import NIOCore
import PlainText
import TroupeRedis

/// Shows events as they happen, one line each.
struct TailCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail",
        abstract: "Shows events as they happen.",
        usage: "troupe tail [options]",
        discussion: """
            It listens on the channels only: what happened before, or while the
            connection was lost, is in the streams; see `troupe saga show`.
            """)

    @OptionGroup var redis: RedisOptions
    @OptionGroup var logs: LogOptions

    @Flag(help: "Print each event as the JSON that was published, for pipes.")
    var json = false

    @Option(
        name: .customLong("type"),
        help: ArgumentHelp("Only events of this type; repeatable.", valueName: "EventType"))
    var types: [String] = []

    @Option(help: ArgumentHelp("Only events of this saga.", valueName: "id"))
    var saga: String?

    func run() async throws {
        let environment = EnvironmentOptions.ofThisProcess
        let logger = try logs.bootstrap(in: environment, default: .error)
        let address = try redis.address(in: environment)
        let namespace = try redis.namespace(in: environment)
        let role = RedisRole.listening(namespace: namespace)
        let client = try await RedisConnection.open(address, as: role, logger: logger)
        let names = EventStreamKeys(namespace: namespace ?? "")
        let subscription = try subscription(on: client, names)
        try await expectToHear(client, names, role, at: address)
        var output = EventOutput(
            line: EventLine(palette: Palette(for: .standard, environment: environment)),
            isRaw: json, saga: saga,
            greeting: LineOutput.errors.isTerminal ? greeting(names, address) : nil)
        await explainUnknownTypes(client, names)
        for await event in subscription {
            guard await output.show(event) else { break }
        }
        await client.shutdown()
    }

    /// Who may not hear would wait without end.
    private func expectToHear(
        _ client: RedisClient, _ names: EventStreamKeys, _ role: RedisRole, at address: RedisAddress
    ) async throws(CommandFailure) {
        let channels = types.map(names.channel)
        let isHeard = await Rehearsal.isSubscribed(
            client, channels: channels, patterns: types.isEmpty ? [names.channelPattern] : [],
            within: .seconds(2))
        guard !isHeard, let missing = await WatchingRights.shortcoming(of: client, as: role) else {
            return
        }
        throw RedisConnection.failure(missing, at: address)
    }

    /// What a person reads while nothing happens.
    private func greeting(_ names: EventStreamKeys, _ address: RedisAddress) -> String {
        let channels =
            types.isEmpty
            ? names.channelPattern : types.map(names.channel).joined(separator: ", ")
        let past = saga.map { "; troupe saga show \($0) shows what was before" } ?? ""
        return "troupe: listening to \(channels) at \(address.shown)\(past); ctrl-C ends it"
    }

    /// A slip in a type would otherwise be waited for without end.
    private func explainUnknownTypes(_ client: RedisClient, _ names: EventStreamKeys) async {
        guard !types.isEmpty,
            let known = try? await SagaHistory(client: client, names: names).eventTypes(),
            !known.isEmpty
        else { return }
        for type in types where !known.contains(type) {
            let nearest = Spelling.slip(type, of: known.sorted())
            await LineOutput.errors.line(
                "troupe: no \(type) has happened on this Redis yet"
                    + (nearest.map { "; did you mean \($0)?" } ?? ""))
        }
    }

    private func subscription(
        on client: RedisClient, _ names: EventStreamKeys
    ) throws(CommandFailure) -> RedisSubscription {
        if let wrong = types.first(where: { !EventStreamKeys.isType($0) }) {
            throw CommandFailure(.usage, "“\(wrong)” cannot be an event type")
        }
        guard types.isEmpty else {
            return client.subscribe(channels: types.map(names.channel))
        }
        return client.subscribe(channels: [], patterns: [names.channelPattern])
    }
}

/// Writes what a subscription yields.
private struct EventOutput {
    var line: EventLine
    var isRaw: Bool
    var saga: String?
    /// Said once, when the subscription is in place.
    var greeting: String?

    /// False when nobody reads any more.
    mutating func show(_ event: RedisSubscriptionEvent) async -> Bool {
        switch event {
        case .active:
            defer { greeting = nil }
            guard let greeting else { return true }
            return await LineOutput.errors.line(greeting)
        case .interrupted:
            return await LineOutput.errors.line("troupe: events may be missing here")
        case .message(let message):
            let bytes = Array(message.payload.readableBytesView)
            return await show(bytes)
        }
    }

    private func show(_ bytes: [UInt8]) async -> Bool {
        guard let event = try? CloudEvent(json: bytes) else {
            guard saga == nil else { return true }
            return await LineOutput.standard.line(String(decoding: bytes, as: UTF8.self))
        }
        guard saga.map({ UUIDText.normal($0) == event.correlationID }) ?? true else { return true }
        let text = isRaw ? String(decoding: bytes, as: UTF8.self) : line.text(event)
        return await LineOutput.standard.line(text)
    }
}
