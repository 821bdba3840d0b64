import Gateway
import Testing

@testable import GatewayRedis

private let start = Moment(nanoseconds: 1_000_000_000_000)

/// For how long a cache has been out of use for no other reason than its feed.
@Suite(.timeLimit(.minutes(1)))
struct SuspensionReportTests {
    private let report = SuspensionReport(since: start, "interrupted")

    private func status(_ report: SuspensionReport, heldUntil: Moment = .earliest) -> FeedStatus {
        report.status(heldUntil: heldUntil, at: start + .seconds(100))
    }

    @Test func aCacheThatIsNotInUseSaysWhy() {
        #expect(FeedStatus.ok.reason == nil)
        #expect(FeedStatus.held(until: start, reason: "a gap").reason == "a gap")
        #expect(FeedStatus.suspended(since: start, reason: "silence").reason == "silence")
    }

    @Test func patienceBeginsWhenRedisWorksAgain() {
        var report = report
        report.refused("Redis does not answer", passes: true, at: start + .seconds(90))
        report.answered()

        let expected = FeedStatus.suspended(since: start + .seconds(90), reason: "interrupted")
        #expect(status(report) == expected)
    }

    @Test func refusalThatSomebodyHasToEndIsCountedFromTheBeginning() {
        var report = report
        report.refused("no right", passes: false, at: start + .seconds(90))

        #expect(status(report) == .suspended(since: start, reason: "no right"))
    }

    @Test func cacheHeldAfterAGapComesBackByItself() {
        let end = start + .seconds(101)

        #expect(status(report, heldUntil: end) == .held(until: end, reason: "interrupted"))
    }

    @Test func patienceBeginsWhenTheHoldIsOver() {
        let end = start + .seconds(98)

        #expect(
            status(report, heldUntil: end) == .suspended(since: end, reason: "interrupted"))
    }

    @Test func cacheInUseIsWell() {
        var report = report
        report.resumed()

        #expect(status(report, heldUntil: start + .seconds(200)) == .ok)
    }
}
