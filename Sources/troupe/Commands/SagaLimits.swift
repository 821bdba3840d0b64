import ArgumentParser
import OrderService
import Saga

/// How services take part in sagas, as far as who runs them has a say in it.
struct SagaOptions: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How long events are kept, such as 90s, 15m, 12h or 7d (TROUPE_RETENTION; default 7d).",
            valueName: "time"))
    var retention: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How long the ledger of a saga that has ended is kept; longer than events "
                + "(TROUPE_LEDGER_LIFE; default 30d).", valueName: "time"))
    var ledgerLife: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How many events a service works on at once (TROUPE_CONCURRENCY; default 512).",
            valueName: "count"))
    var concurrency: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How many events may wait to be tried again before nothing new is read "
                + "(TROUPE_PARKED_MAXIMUM; default 8192).", valueName: "count"))
    var parkedMaximum: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How many bytes one read of events may bring (TROUPE_READ_BYTES; default 33554432).",
            valueName: "bytes"))
    var readBytes: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How long a step is tried before it is given up and undone; less than the order "
                + "deadline (TROUPE_GIVE_UP_AFTER; default 8s at companies, else 10s).",
            valueName: "time"))
    var giveUpAfter: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How long an undo or a finish is tried before its saga is shown as blocked, and tried "
                + "with long pauses (TROUPE_BLOCKED_AFTER; default 10s).", valueName: "time"))
    var blockedAfter: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The name of this replica, stable over restarts (TROUPE_CONSUMER; default the name of "
                + "the machine).", valueName: "name"))
    var consumer: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How often the books of companies are compared with the ledgers "
                + "(TROUPE_RECONCILE_EVERY; default 60s).", valueName: "time"))
    var reconcileEvery: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How many undos an hour may be made on account of books (TROUPE_UNDOS_MAXIMUM; "
                + "default 20).", valueName: "count"))
    var undosMaximum: String?
}

/// The same, understood; what nobody has named is as the library has it.
struct SagaLimits: Equatable, Sendable {
    var retention: Duration?
    var ledgerLife: Duration?
    var concurrency: Int?
    var parkedMaximum: Int?
    var readBytes: Int?
    var giveUpAfter: Duration?
    var blockedAfter: Duration?
    var consumer: String?
    var reconcileEvery: Duration?
    var undosMaximum: Int?

    private static let year = 365 * 86_400
    private static let consumerMaximum = 64

    /// From the options, or the variables.
    ///
    /// - Parameter orderDeadline: what was said of it; nil for the default.
    init(
        _ options: SagaOptions? = nil, orderDeadline: Duration? = nil,
        in environment: EnvironmentOptions
    ) throws(CommandFailure) {
        retention = try environment.time(
            options?.retention, "TROUPE_RETENTION", what: "the retention of events",
            within: 1...Self.year, remedy: "--retention 7d")
        ledgerLife = try environment.time(
            options?.ledgerLife, "TROUPE_LEDGER_LIFE", what: "the life of ledgers",
            within: 2...10 * Self.year, remedy: "--ledger-life 30d")
        concurrency = try environment.count(
            options?.concurrency, "TROUPE_CONCURRENCY", what: "the concurrency",
            within: 1...65_536, remedy: "--concurrency 512")
        parkedMaximum = try environment.count(
            options?.parkedMaximum, "TROUPE_PARKED_MAXIMUM",
            what: "the number of events that may wait", within: 1...1_000_000,
            remedy: "--parked-maximum 8192")
        readBytes = try environment.count(
            options?.readBytes, "TROUPE_READ_BYTES", what: "the size of a read, in bytes,",
            within: 65_536...512 * 1024 * 1024, remedy: "--read-bytes 33554432")
        giveUpAfter = try environment.time(
            options?.giveUpAfter, "TROUPE_GIVE_UP_AFTER", what: "the time to give up after",
            within: 1...86_400, remedy: "--give-up-after 8s")
        blockedAfter = try environment.time(
            options?.blockedAfter, "TROUPE_BLOCKED_AFTER", what: "the time to be blocked after",
            within: 1...86_400, remedy: "--blocked-after 10s")
        reconcileEvery = try environment.time(
            options?.reconcileEvery, "TROUPE_RECONCILE_EVERY",
            what: "the time between two looks at books", within: 1...86_400,
            remedy: "--reconcile-every 60s")
        undosMaximum = try environment.count(
            options?.undosMaximum, "TROUPE_UNDOS_MAXIMUM", what: "the number of undos an hour",
            within: 0...100_000, remedy: "--undos-maximum 20")
        consumer = try Self.name(options?.consumer, in: environment)
        try expectOrder(orderDeadline ?? OrderServerConfiguration().deadline)
    }

    private static func name(
        _ option: String?, in environment: EnvironmentOptions
    ) throws(CommandFailure) -> String? {
        guard let name = environment.text(option, "TROUPE_CONSUMER") else { return nil }
        let isName = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
                UInt8(ascii: "."):
                true
            default: false
            }
        }
        guard isName, (1...consumerMaximum).contains(name.utf8.count) else {
            throw CommandFailure(
                .usage,
                "the name of the replica is “\(name.prefix(80))”, but must be 1 to "
                    + "\(consumerMaximum) letters, digits, “-”, “_” or “.”",
                remedy: "--consumer replica-1")
        }
        return name
    }

    /// Fails if one of two times outlasts the other that has to be longer; names both.
    private func expectOrder(_ deadline: Duration) throws(CommandFailure) {
        let usual = SagaRuntimeConfiguration()
        let retention = retention ?? usual.retention
        let life = ledgerLife ?? usual.ledgerTimeToLive
        let deadlineName = "the order deadline, \(Self.text(deadline)) (--order-deadline)"
        let lifeName = "the life of ledgers, \(Self.text(life)) (--ledger-life)"
        if let giveUpAfter, giveUpAfter >= deadline {
            throw Self.outlasts(
                "the time to give up after, \(Self.text(giveUpAfter)) (--give-up-after)",
                deadlineName,
                "orders would be cancelled before a step of theirs is given up")
        }
        if retention >= life {
            throw Self.outlasts(
                "the retention of events, \(Self.text(retention)) (--retention)", lifeName,
                "an event that is delivered late would count as new")
        }
        if deadline >= life {
            throw Self.outlasts(
                deadlineName, lifeName, "nothing would be known of an order at its deadline")
        }
    }

    /// As an option is written, in the largest unit that tells it exactly.
    private static func text(_ time: Duration) -> String {
        let seconds = time.components.seconds
        for (length, unit) in [(86_400, "d"), (3_600, "h"), (60, "m")] as [(Int64, String)]
        where seconds >= length && seconds.isMultiple(of: length) {
            return "\(seconds / length)\(unit)"
        }
        return "\(seconds)s"
    }

    private static func outlasts(
        _ short: String, _ long: String, _ why: String
    ) -> CommandFailure {
        CommandFailure(
            .usage, "\(short), has to be less than \(long): \(why)",
            remedy: "name a shorter or a longer one")
    }

    /// The configuration with these limits in place of its own.
    func applied(to configuration: SagaRuntimeConfiguration) -> SagaRuntimeConfiguration {
        var configuration = configuration
        if let retention { configuration.retention = retention }
        if let ledgerLife { configuration.ledgerTimeToLive = ledgerLife }
        if let concurrency { configuration.concurrency = concurrency }
        if let parkedMaximum { configuration.parkedMaximum = parkedMaximum }
        if let readBytes { configuration.readBytesMaximum = readBytes }
        if let giveUpAfter { configuration.giveUpAfter = giveUpAfter }
        if let blockedAfter { configuration.compensationGiveUpAfter = blockedAfter }
        if let consumer { configuration.consumerName = consumer }
        if let reconcileEvery { configuration.reconciliationInterval = reconcileEvery }
        if let undosMaximum { configuration.reconciliationUndosMaximum = undosMaximum }
        return configuration
    }

    /// The same for a child.
    var variables: [String: String] {
        func seconds(_ time: Duration?) -> String? { time.map { String($0.components.seconds) } }
        let all = [
            "TROUPE_RETENTION": seconds(retention), "TROUPE_LEDGER_LIFE": seconds(ledgerLife),
            "TROUPE_CONCURRENCY": concurrency.map(String.init),
            "TROUPE_PARKED_MAXIMUM": parkedMaximum.map(String.init),
            "TROUPE_READ_BYTES": readBytes.map(String.init),
            "TROUPE_GIVE_UP_AFTER": seconds(giveUpAfter),
            "TROUPE_BLOCKED_AFTER": seconds(blockedAfter), "TROUPE_CONSUMER": consumer,
            "TROUPE_RECONCILE_EVERY": seconds(reconcileEvery),
            "TROUPE_UNDOS_MAXIMUM": undosMaximum.map(String.init),
        ]
        return all.compactMapValues { $0 }
    }
}
