import Gateway
import GatewayRedis
import ServiceHTTP
import Testing

@testable import troupe

/// What keeps a gateway's cache out of use, and what that means for its readiness.
@Suite(.timeLimit(.minutes(1)))
struct FeedCheckTests {
    private func finding(
        _ status: FeedStatus, redisIsTroubled: Bool = false
    ) async -> Readiness.Finding? {
        let check = Readiness.Check.feed(status: { status }, unless: { redisIsTroubled })
        return await Readiness([check]).findings().first
    }

    @Test func cacheInUseIsReady() async {
        let finding = await finding(.ok)

        #expect(finding != nil && finding?.fault == nil && finding?.impairment == nil)
    }

    @Test func cacheHeldAfterAGapDegrades() async {
        let finding = await finding(.held(until: .now() + .seconds(60), reason: "a gap"))

        #expect(finding?.fault == nil && finding?.impairment == "a gap")
    }

    @Test func cacheThatCannotComeBackIsAFault() async {
        let status = FeedStatus.suspended(since: .now() - .seconds(60), reason: "no heartbeat")

        #expect(await finding(status)?.fault?.hasPrefix("no heartbeat, for 6") == true)
        let borne = await finding(status, redisIsTroubled: true)
        #expect(borne?.fault == nil && borne?.impairment != nil)
    }

    @Test func cacheThatIsJustComingBackIsReady() async {
        let finding = await finding(.suspended(since: .now(), reason: "subscribing"))

        #expect(finding != nil && finding?.fault == nil && finding?.impairment == nil)
    }
}
