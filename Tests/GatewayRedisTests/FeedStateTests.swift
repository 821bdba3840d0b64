import Gateway
import Testing

@testable import GatewayRedis

private let start = Moment(nanoseconds: 1_000_000_000_000)

@Suite(.timeLimit(.minutes(3)))
struct FeedStateTests {
    /// `#expect` cannot call what changes its value.
    private func check(
        _ action: FeedState.Action, _ expected: FeedState.Action,
        at location: SourceLocation = #_sourceLocation
    ) {
        #expect(action == expected, sourceLocation: location)
    }

    private func live() -> FeedState {
        var state = FeedState()
        _ = state.active()
        _ = state.fenced(hasGap: false, at: start)
        _ = state.caughtUp(round: 1, at: start)
        return state
    }

    @Test func cacheIsUsedOnceCaughtUpBehindAFence() {
        var state = FeedState()

        check(state.active(), .none)
        check(state.caughtUp(round: 1, at: start), .none)
        check(state.fenced(hasGap: false, at: start), .catchUp(round: 1))
        #expect(!state.isLive)
        check(state.caughtUp(round: 1, at: start), .resume)
        #expect(state.isLive)
        check(state.fenced(hasGap: false, at: start), .none)
    }

    @Test func interruptionSuspendsAtOnce() {
        var state = live()

        check(state.interrupted(), .suspend)
        #expect(!state.isLive)
        check(state.active(), .none)
        check(state.fenced(hasGap: false, at: start), .catchUp(round: 3))
    }

    @Test func catchUpOfAnEarlierRoundSaysNothing() {
        var state = FeedState()
        _ = state.active()
        _ = state.fenced(hasGap: false, at: start)
        _ = state.interrupted()
        check(state.caughtUp(round: 1, at: start), .none)
        _ = state.active()
        _ = state.fenced(hasGap: false, at: start)

        check(state.caughtUp(round: 1, at: start), .none)
        #expect(!state.isLive)
    }

    @Test func gapSuspendsAndIsReadFromTheStreams() {
        var state = live()

        check(state.fenced(hasGap: true, at: start), .suspendAndCatchUp(round: 2))
        check(state.caughtUp(round: 1, at: start), .none)
        check(state.caughtUp(round: 2, at: start), .none)
        check(state.fenced(hasGap: false, at: start + .milliseconds(999)), .none)
        #expect(!state.isLive)
        check(state.fenced(hasGap: false, at: start + .seconds(1)), .resume)
        #expect(state.isLive)
    }

    @Test func gapDuringACatchUpBeginsAnother() {
        var state = live()
        _ = state.fenced(hasGap: true, at: start)

        check(state.fenced(hasGap: true, at: start), .catchUp(round: 3))
        check(state.caughtUp(round: 2, at: start + .seconds(9)), .none)
        check(state.caughtUp(round: 3, at: start + .seconds(9)), .resume)
    }

    @Test func gapsThatComeAgainKeepTheCacheUnusedForLonger() {
        var state = live()
        var now = start
        var held: [Duration] = []
        for _ in 0..<9 {
            let gap = now
            _ = state.fenced(hasGap: true, at: now)
            _ = state.caughtUp(round: state.round, at: now)
            while !state.isLive {
                now = now + .seconds(1)
                _ = state.fenced(hasGap: false, at: now)
            }
            held.append(now - gap)
        }

        #expect(held == [1, 2, 4, 8, 16, 32, 60, 60, 60].map { .seconds($0) })
        _ = state.fenced(hasGap: true, at: now + .seconds(3_600))
        check(state.caughtUp(round: state.round, at: now + .seconds(3_601)), .resume)
    }

    @Test func everyWayIntoUseLeadsThroughTheCatchUpOfItsRound() {
        struct Case: Hashable {
            var state = FeedState()
            /// Something was missed that no catch-up has read yet.
            var hasGap = false
            /// The catch-up under way began after all that was missed.
            var catchUp: Int?
        }
        var seen: Set<Case> = [Case()]
        var queue = [Case()]
        while let now = queue.popLast() {
            #expect(!(now.state.isLive && now.hasGap))
            guard now.state.round < 6 else { continue }
            for step in 0..<5 {
                var next = now
                var action = FeedState.Action.none
                switch step {
                case 0: action = next.state.active()
                case 1:
                    action = next.state.interrupted()
                    next.hasGap = true
                case 2:
                    action = next.state.caughtUp(round: next.catchUp ?? 0, at: start)
                    if next.catchUp == next.state.round { next.hasGap = false }
                case 3: action = next.state.fenced(hasGap: false, at: start)
                default:
                    next.hasGap = true
                    action = next.state.fenced(hasGap: true, at: start)
                }
                switch action {
                case .catchUp(let round), .suspendAndCatchUp(let round): next.catchUp = round
                default: break
                }
                if step == 4, !next.state.isLive, next.catchUp != next.state.round { continue }
                if seen.insert(next).inserted { queue.append(next) }
            }
        }
        #expect(seen.count > 10)
    }
}
