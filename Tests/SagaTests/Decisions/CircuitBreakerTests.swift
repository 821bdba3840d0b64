import Saga
import Testing

/// When a company counts as down, and how it is found to be well again.
@Suite(.timeLimit(.minutes(1)))
struct CircuitBreakerTests {
    private let start = ContinuousClock.now
    private var breaker = CircuitBreaker(opensAfter: 3, pauses: .seconds(1) ... .seconds(5))

    private mutating func call(
        _ ending: CircuitBreaker.Ending, at time: Duration = .zero, of saga: String? = nil
    ) -> Bool {
        guard case .call(let round) = breaker.admit(at: start + time) else { return false }
        breaker.ended(ending, round: round, of: saga, at: start + time)
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
        breaker.ended(.answered, round: round, of: nil, at: time)
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
        breaker.ended(.answered, round: early, of: nil, at: start)
        #expect(breaker.phase == .open)

        guard case .call(let trying) = breaker.admit(at: start + .seconds(1)) else { return }
        breaker.ended(.accident, round: early, of: nil, at: start + .seconds(1))
        #expect(breaker.phase == .halfOpen)
        breaker.ended(.answered, round: trying, of: nil, at: start + .seconds(1))
        breaker.ended(.accident, round: early, of: nil, at: start + .seconds(1))
        #expect(breaker.phase == .closed)
    }

    @Test mutating func aTryThatDoesNotComeBackIsAnAccidentAndTheNextOneTries() throws {
        for _ in 0..<3 { _ = call(.accident) }
        let first = try #require(round(at: .seconds(1)))
        #expect(round(at: .milliseconds(5_999)) == nil)
        #expect(!breaker.isTryLost(at: start + .milliseconds(5_999)))
        #expect(breaker.isTryLost(at: start + .seconds(6)))

        let second = try #require(round(at: .seconds(6)))

        #expect(second != first)
        #expect(breaker.phase == .halfOpen)
        #expect(round(at: .seconds(6)) == nil, "one tries")
        breaker.ended(.accident, round: first, of: nil, at: start + .seconds(7))
        #expect(breaker.phase == .halfOpen, "that one has counted")
        breaker.ended(.answered, round: second, of: nil, at: start + .seconds(7))
        #expect(breaker.phase == .closed)
    }

    /// Who takes longer than the longest pause would otherwise never be found well.
    @Test mutating func aTryThatIsAnsweredLateShowsThatItIsWell() throws {
        for _ in 0..<3 { _ = call(.accident) }
        let first = try #require(round(at: .seconds(1)))
        _ = try #require(round(at: .seconds(6)))

        breaker.ended(.answered, round: first, of: nil, at: start + .seconds(8))

        #expect(breaker.phase == .closed)
    }

    @Test mutating func whatOneSagaRepeatsCountsOnce() {
        for _ in 0..<9 { #expect(call(.accident, of: "1")) }
        #expect(call(.accident, of: "2"))
        #expect(breaker.phase == .closed)

        #expect(call(.accident, of: "3"))
        #expect(breaker.phase == .open)
    }

    @Test mutating func aSagaThatHadAnAccidentBeforeMakesNoPauseLonger() {
        for saga in ["1", "2", "3"] { _ = call(.accident, of: saga) }
        for time in [1, 2, 3] {
            #expect(call(.accident, at: .seconds(time), of: "2"))
        }
        #expect(breaker.refusal(at: start + .seconds(3)) == start + .seconds(4))

        #expect(call(.accident, at: .seconds(4), of: "4"))
        #expect(breaker.refusal(at: start + .seconds(4)) == start + .seconds(6))
    }

    /// That of a call which begins then; nil if none may.
    private mutating func round(at time: Duration) -> Int? {
        guard case .call(let round) = breaker.admit(at: start + time) else { return nil }
        return round
    }
}
