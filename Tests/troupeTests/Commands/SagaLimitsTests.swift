import ArgumentParser
import Saga
import Testing

@testable import troupe

/// How services take part in sagas, as options and variables say.
@Suite(.timeLimit(.minutes(1)))
struct SagaLimitsTests {
    private func limits(
        _ options: [String] = [], _ variables: [String: String] = [:], deadline: Duration? = nil
    ) throws -> SagaLimits {
        try SagaLimits(
            SagaOptions.parse(options), orderDeadline: deadline,
            in: EnvironmentOptions(variables: variables))
    }

    private func refusal(
        _ options: [String], deadline: Duration? = nil
    ) throws -> CommandFailure {
        try #require(throws: CommandFailure.self) { try limits(options, deadline: deadline) }
    }

    @Test func whoSaysNothingLeavesTheConfigurationAsItIs() throws {
        let limits = try limits()
        let usual = SagaRuntimeConfiguration()
        let used = limits.applied(to: usual)

        #expect(limits.variables.isEmpty)
        #expect(used.retention == usual.retention)
        #expect(used.ledgerTimeToLive == usual.ledgerTimeToLive)
        #expect(used.concurrency == usual.concurrency)
        #expect(used.giveUpAfter == nil)
        #expect(used.consumerName == usual.consumerName)
    }

    @Test func everyOptionHasItsPlaceInTheConfiguration() throws {
        let limits = try limits([
            "--retention", "2d", "--ledger-life", "12d", "--concurrency", "7",
            "--parked-maximum", "9", "--read-bytes", "65536", "--give-up-after", "5s",
            "--blocked-after", "3", "--consumer", "north-1", "--reconcile-every", "15m",
            "--undos-maximum", "0",
        ])
        let used = limits.applied(to: SagaRuntimeConfiguration())

        #expect(used.retention == .seconds(2 * 86_400))
        #expect(used.ledgerTimeToLive == .seconds(12 * 86_400))
        #expect(used.concurrency == 7)
        #expect(used.parkedMaximum == 9)
        #expect(used.readBytesMaximum == 65_536)
        #expect(used.giveUpAfter == .seconds(5))
        #expect(used.compensationGiveUpAfter == .seconds(3))
        #expect(used.consumerName == "north-1")
        #expect(used.reconciliationInterval == .seconds(900))
        #expect(used.reconciliationUndosMaximum == 0)
        try used.validate()
    }

    @Test func aVariableIsItsOptionsTwinAndAChildIsToldTheSame() throws {
        let variables = [
            "TROUPE_RETENTION": "3h", "TROUPE_LEDGER_LIFE": "4h", "TROUPE_CONCURRENCY": "1",
            "TROUPE_PARKED_MAXIMUM": "2", "TROUPE_READ_BYTES": "70000",
            "TROUPE_GIVE_UP_AFTER": "6", "TROUPE_BLOCKED_AFTER": "1m", "TROUPE_CONSUMER": "a",
            "TROUPE_RECONCILE_EVERY": "2", "TROUPE_UNDOS_MAXIMUM": "3",
        ]
        let limits = try limits(["--concurrency", "5"], variables)

        #expect(limits.concurrency == 5, "the option goes before")
        #expect(limits.retention == .seconds(10_800))
        #expect(Set(limits.variables.keys) == Set(variables.keys))
        #expect(try self.limits([], limits.variables) == limits)
    }

    @Test func theChildrenOfUpGetThemWithAllElse() throws {
        let settings = try SystemSettings(
            redis: .parse([]), services: .parse(["--consumer", "x", "--retention", "1h"]),
            logs: .parse([]), in: EnvironmentOptions(variables: [:]))

        let again = try SystemSettings(
            redis: .parse([]), services: .parse([]), logs: .parse([]),
            in: EnvironmentOptions(variables: settings.variables))

        #expect(again.limits == settings.limits)
        #expect(again.limits.consumer == "x")
    }

    @Test(arguments: [
        ("--retention", "0"), ("--retention", "7w"), ("--retention", "d"), ("--retention", "-1d"),
        ("--retention", "9223372036854775807d"), ("--ledger-life", "1"), ("--concurrency", "0"),
        ("--concurrency", "65537"), ("--parked-maximum", "many"), ("--read-bytes", "65535"),
        ("--give-up-after", "0.5"), ("--blocked-after", "0"), ("--consumer", "a b"),
        ("--consumer", "ä"), ("--consumer", String(repeating: "x", count: 65)),
        ("--reconcile-every", "0"), ("--undos-maximum", "-1"),
    ])
    func whatIsOutOfRangeIsAUsageErrorWithAnExample(option: String, text: String) throws {
        let failure = try refusal([option, text])

        #expect(failure.code == .usage)
        #expect(failure.message.contains("“\(text.prefix(80))”"), "\(failure)")
        #expect(failure.remedy?.hasPrefix(option) == true, "\(failure)")
    }

    @Test func whatOutlastsWhatHasToBeLongerIsRefusedWithBoth() throws {
        let late = try refusal(["--give-up-after", "20s"], deadline: .seconds(20))
        let usual = try refusal(["--give-up-after", "30s"])
        let young = try refusal(["--ledger-life", "7d"])
        let old = try refusal(["--retention", "40d"])
        let brief = try refusal(
            ["--ledger-life", "90s", "--retention", "5s"], deadline: .seconds(120))

        for failure in [late, usual, young, old, brief] { #expect(failure.code == .usage) }
        for failure in [late, usual] {
            #expect(failure.message.contains("--give-up-after"))
            #expect(failure.message.contains("--order-deadline"))
        }
        for failure in [young, old] {
            #expect(failure.message.contains("--retention"))
            #expect(failure.message.contains("--ledger-life"))
        }
        #expect(old.message.contains("40d (--retention)"))
        #expect(usual.message.contains("30s (--give-up-after)"))
        #expect(brief.message.contains("2m (--order-deadline)"))
        #expect(brief.message.contains("--ledger-life"))
        #expect(try limits(["--give-up-after", "19s"], deadline: .seconds(20)).giveUpAfter != nil)
    }
}
