import Saga
import Testing

/// Of a flood of dead letters a few lines tell, and none is left out of the count.
@Suite(.timeLimit(.minutes(1)))
struct DeadLetterLogTests {
    private let start = ContinuousClock.now
    private let garbage = DeadLetterLog.Kind(.undecodable, of: "saga:{order}:OrderCreated")
    private let old = DeadLetterLog.Kind(.tooOld, of: "saga:{order}:OrderCreated")

    @Test func theFirstOfEachKindIsToldAtOnceAndTheOthersAreCounted() {
        var log = DeadLetterLog()

        let first = log.note(garbage, at: start)
        let others = (1...1_000).map { _ in log.note(garbage, at: start) }
        let other = log.note(old, at: start)

        #expect(first)
        #expect(!others.contains(true))
        #expect(other)
    }

    @Test func aCountIsToldEveryTenSecondsAndNothingIsLost() {
        var log = DeadLetterLog()
        var told = 0
        var lines = 0
        for second in 0..<35 {
            let now = start + .seconds(second)
            for _ in 0..<100 where log.note(garbage, at: now) {
                told += 1
                lines += 1
            }
            for (kind, count) in log.due(at: now) {
                #expect(kind == garbage)
                told += count
                lines += 1
            }
        }
        for (_, count) in log.rest() { told += count }

        #expect(told == 3_500)
        #expect(lines == 4)
    }

    @Test func whatHasStoppedIsForgottenAndIsNewsAgain() {
        var log = DeadLetterLog()
        _ = log.note(garbage, at: start)
        let early = log.due(at: start + .seconds(9))
        let second = log.note(garbage, at: start + .seconds(9))
        let counted = log.due(at: start + .seconds(10))
        let late = log.due(at: start + .seconds(20))
        let news = log.note(garbage, at: start + .seconds(21))
        let rest = log.rest()

        #expect(early.isEmpty)
        #expect(!second)
        #expect(counted.map(\.count) == [1])
        #expect(late.isEmpty)
        #expect(news)
        #expect(rest.isEmpty)
    }
}
