import Testing

@testable import Saga

@Suite(.timeLimit(.minutes(1)))
struct ReadPlanTests {
    private let now = ContinuousClock.now

    @Test func whatCanBeReadIsReadTogether() {
        #expect(ReadPlan(2..<5).reads(at: now) == [[2, 3, 4]])
        #expect(ReadPlan(2..<5).pauseEnd == nil)
    }

    @Test func aReadThatFailsIsTriedStreamByStream() {
        var plan = ReadPlan(2..<5)
        plan.failed([2, 3, 4], until: now)
        #expect(plan.reads(at: now) == [[2], [3], [4]])

        plan.worked([2])
        plan.failed([3], until: now + .seconds(1))
        plan.worked([4])
        #expect(plan.reads(at: now) == [[2, 4]])
        #expect(plan.pauseEnd == nil)
        #expect(plan.reads(at: now + .seconds(1)) == [[2, 4], [3]])
        #expect(plan.failures(of: [3]) == 1)

        plan.worked([3])
        #expect(plan.reads(at: now) == [[2, 3, 4]])
    }

    @Test func withoutAnyThatCanBeReadThePauseIsWaitedFor() {
        var plan = ReadPlan(0..<1)
        plan.failed([0], until: now + .seconds(1))
        plan.failed([0], until: now + .seconds(2))
        #expect(plan.reads(at: now).isEmpty)
        #expect(plan.failures(of: [0]) == 2)
        #expect(plan.pauseEnd == now + .seconds(2))
    }
}
