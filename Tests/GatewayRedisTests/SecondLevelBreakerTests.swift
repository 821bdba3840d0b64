import Testing

@testable import GatewayRedis

@Suite(.timeLimit(.minutes(3)))
struct SecondLevelBreakerTests {
    private let start = ContinuousClock.now

    /// `#expect` cannot call what changes its value.
    private func check(_ isTrue: Bool, at location: SourceLocation = #_sourceLocation) {
        #expect(isTrue, sourceLocation: location)
    }

    @Test func failureKeepsCallsAwayForAWhile() {
        var breaker = SecondLevelBreaker(shortest: .milliseconds(100), longest: .seconds(1))
        check(breaker.allows(at: start))
        breaker.failed(at: start)

        check(!breaker.allows(at: start + .milliseconds(99)))
        check(breaker.allows(at: start + .milliseconds(100)))
    }

    @Test func oneCallTriesAndTheOthersStayAway() {
        var breaker = SecondLevelBreaker(shortest: .milliseconds(100), longest: .seconds(1))
        breaker.failed(at: start)
        check(breaker.allows(at: start + .milliseconds(100)))

        check(!breaker.allows(at: start + .milliseconds(101)))
        breaker.succeeded()
        check(breaker.allows(at: start + .milliseconds(102)))
    }

    @Test func triesGrowRarerUpToALimit() {
        var breaker = SecondLevelBreaker(shortest: .milliseconds(100), longest: .seconds(1))
        var now = start
        breaker.failed(at: now)
        var waits: [Int] = []
        for _ in 0..<6 {
            var milliseconds = 0
            while !breaker.allows(at: now) {
                now += .milliseconds(10)
                milliseconds += 10
            }
            waits.append(milliseconds)
            breaker.failed(at: now)
        }

        #expect(waits == [100, 200, 400, 800, 1_000, 1_000])
    }

    @Test func failuresOfCallsSentTogetherCountOnce() {
        var breaker = SecondLevelBreaker(shortest: .milliseconds(100), longest: .seconds(1))
        for _ in 0..<50 { breaker.failed(at: start) }

        check(breaker.allows(at: start + .milliseconds(100)))
    }

    @Test func tryThatNeverEndsDoesNotCloseTheWay() {
        var breaker = SecondLevelBreaker(shortest: .milliseconds(100), longest: .seconds(1))
        breaker.failed(at: start)
        check(breaker.allows(at: start + .milliseconds(100)))

        check(breaker.allows(at: start + .milliseconds(1_100)))
    }
}
