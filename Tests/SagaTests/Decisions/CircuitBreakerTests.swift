import Saga
import Testing

/// When a company counts as down, and how it is found to be well again.
@Suite(.timeLimit(.minutes(1)))
struct CircuitBreakerTests {
    private let start = ContinuousClock.now
    private var breaker = CircuitBreaker(opensAfter: 3, pauses: .seconds(1) ... .seconds(5))

    private mutating func call(
        _ ending: CircuitBreaker.Ending, at time: Duration = .zero
    ) -> Bool {
        guard case .call(let round) = breaker.admit(at: start + time) else { return false }
        breaker.ended(ending, round: round, at: start + time)
        return true
    }

    @Test mutating func accidentsInARowOpenIt() {
        for _ in 0..<3 { #expect(call(.accident)) }

        #expect(breaker.phase == .open)
        #expect(breaker.admit(at: start) == .refused(until: start + .seconds(1)))
    }

    @Test mutating func anAnswerBetweenThemBeginsTheCountAnewAndWhatTellsNothingDoesNot() {
        for ending in [
            CircuitBreaker.Ending.accident, .accident, .answered, .accident, .nothing, .accident,
        ] {
            #expect(call(ending))
        }
        #expect(breaker.phase == .closed)

        #expect(call(.accident))
        #expect(breaker.phase == .open)
    }

    @Test mutating func oneCallTriesAndTheOthersWait() {
        for _ in 0..<3 { _ = call(.accident) }
        let time = start + .seconds(1)

        guard case .call(let round) = breaker.admit(at: time) else {
            Issue.record("nobody tries")
            return
        }

        #expect(breaker.phase == .halfOpen)
        #expect(breaker.admit(at: time) == .refused(until: time + .seconds(1)))
        breaker.ended(.answered, round: round, at: time)
        #expect(breaker.phase == .closed)
        #expect(call(.answered, at: .seconds(1)))
    }

    @Test mutating func thePauseGrowsUpToTheLongestAndBeginsAnewOnceItIsWell() {
        var time = Duration.zero
        for _ in 0..<3 { _ = call(.accident) }
        for pause in [1, 2, 4, 5, 5] {
            let end = start + time + .seconds(pause)
            #expect(breaker.admit(at: end - .milliseconds(1)) == .refused(until: end))
            time += .seconds(pause)
            if pause == 5, time > .seconds(12) { break }
            #expect(call(.accident, at: time))
        }
        #expect(call(.answered, at: time))

        for _ in 0..<3 { _ = call(.accident, at: time) }
        #expect(
            breaker.admit(at: start + time) == .refused(until: start + time + .seconds(1)))
    }

    @Test mutating func aTryThatTellsNothingLetsTheNextOneTry() {
        for _ in 0..<3 { _ = call(.accident) }
        #expect(call(.nothing, at: .seconds(1)))
        #expect(breaker.phase == .open)

        #expect(call(.answered, at: .seconds(1)))
        #expect(breaker.phase == .closed)
    }

    @Test mutating func callsThatBeganBeforeItOpenedSayNothingAnyMore() {
        guard case .call(let early) = breaker.admit(at: start) else { return }
        for _ in 0..<3 { _ = call(.accident) }
        breaker.ended(.answered, round: early, at: start)
        #expect(breaker.phase == .open)

        guard case .call(let trying) = breaker.admit(at: start + .seconds(1)) else { return }
        breaker.ended(.accident, round: early, at: start + .seconds(1))
        #expect(breaker.phase == .halfOpen)
        breaker.ended(.answered, round: trying, at: start + .seconds(1))
        breaker.ended(.accident, round: early, at: start + .seconds(1))
        #expect(breaker.phase == .closed)
    }
}
