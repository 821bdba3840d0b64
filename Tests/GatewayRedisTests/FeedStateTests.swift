import Testing

@testable import GatewayRedis

@Suite(.timeLimit(.minutes(3)))
struct FeedStateTests {
    /// `#expect` cannot call what changes its value.
    private func check(
        _ action: FeedState.Action, _ expected: FeedState.Action,
        at location: SourceLocation = #_sourceLocation
    ) {
        #expect(action == expected, sourceLocation: location)
    }

    @Test func cacheIsUsedOnceCaughtUp() {
        var state = FeedState()

        check(state.active(), .catchUp(round: 1))
        #expect(!state.isLive)
        check(state.caughtUp(round: 1), .resume)
        #expect(state.isLive)
    }

    @Test func interruptionSuspendsAtOnce() {
        var state = FeedState()
        _ = state.active()
        _ = state.caughtUp(round: 1)

        check(state.interrupted(), .suspend)
        #expect(!state.isLive)
        check(state.active(), .catchUp(round: 3))
    }

    @Test func catchUpOfAnEarlierRoundSaysNothing() {
        var state = FeedState()
        _ = state.active()
        _ = state.interrupted()
        check(state.caughtUp(round: 1), .none)
        _ = state.active()

        check(state.caughtUp(round: 1), .none)
        #expect(!state.isLive)
    }

    @Test func silenceSuspendsUntilAnEchoAndACatchUp() {
        var state = FeedState()
        _ = state.active()
        _ = state.caughtUp(round: 1)

        check(state.silent(), .suspend)
        check(state.silent(), .none)
        check(state.caughtUp(round: 1), .none)
        check(state.echoed(), .catchUp(round: 2))
        check(state.caughtUp(round: 2), .resume)
        check(state.echoed(), .none)
    }

    @Test func everyWayIntoUseLeadsThroughTheCatchUpOfItsRound() {
        var seen: Set<FeedState> = [FeedState()]
        var queue = [(FeedState(), false)]
        while let (state, hasGap) = queue.popLast() {
            #expect(!(state.isLive && hasGap))
            guard state.round < 6 else { continue }
            for step in 0..<5 {
                var next = state
                var gap = hasGap
                switch step {
                case 0: _ = next.active()
                case 1:
                    _ = next.interrupted()
                    gap = true
                case 2: if next.caughtUp(round: next.round) == .resume { gap = false }
                case 3: _ = next.silent()
                default: _ = next.echoed()
                }
                if seen.insert(next).inserted { queue.append((next, gap)) }
            }
        }
        #expect(seen.count > 10)
    }
}
