import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(3)))
struct RetryRuleTests {
    static func rule(under calls: Int, budget: Double = 0.2) -> RetryRule {
        var rule = RetryRule(attempts: 3, budget: budget)
        for _ in 0..<calls { rule.callBegan() }
        return rule
    }

    static func granted(_ rule: inout RetryRule, _ wishes: Int) -> Int {
        (0..<wishes).count { _ in
            rule.allowsRetry(
                after: UpstreamFailure(.timedOut), tries: 1, isIdempotent: true,
                isFirstRetry: true)
        }
    }

    @Test func retriesAreAShareOfCallsAndAtLeastThree() {
        var quiet = Self.rule(under: 1)
        var busy = Self.rule(under: 100)

        #expect(Self.granted(&quiet, 10) == 3)
        #expect(Self.granted(&busy, 100) == 20)
    }

    @Test func anEndedRetryMakesRoomForAnother() {
        var rule = Self.rule(under: 3)
        #expect(Self.granted(&rule, 10) == 3)

        rule.callEnded(retried: true)

        #expect(Self.granted(&rule, 10) == 1)
    }

    @Test(arguments: [
        (UpstreamFailure.Kind.unreachable, true), (.timedOut, false), (.closedEarly, false),
        (.broken, false), (.overloaded, false), (.tooLarge, false), (.unsendable, false),
    ])
    func aCallThatActsIsRepeatedOnlyIfItWasNeverSent(
        _ kind: UpstreamFailure.Kind, _ expected: Bool
    ) {
        var rule = Self.rule(under: 1)

        let allowed = rule.allowsRetry(
            after: UpstreamFailure(kind), tries: 1, isIdempotent: false, isFirstRetry: true)

        #expect(allowed == expected)
    }

    @Test func attemptsAreLimited() {
        var rule = Self.rule(under: 1)

        let allowed = rule.allowsRetry(
            after: UpstreamFailure(.unreachable), tries: 3, isIdempotent: true,
            isFirstRetry: false)

        #expect(!allowed)
    }
}
