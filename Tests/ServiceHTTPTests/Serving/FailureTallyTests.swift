import Testing

@testable import ServiceHTTP

@Suite(.timeLimit(.minutes(1)))
struct FailureTallyTests {
    private typealias Repeats = FailureTally.Repeats

    private let start = ContinuousClock.now

    @Test func likeFailuresAreCountedAndToldOnceInAPeriod() {
        var tally = FailureTally()
        let early = (0..<10).map { second in
            let now = start + .seconds(second)
            return (due: tally.due(at: now), isNew: tally.isNew("a", at: now))
        }
        let first = tally.due(at: start + .seconds(10))
        let isNew = tally.isNew("a", at: start + .seconds(12))
        let second = tally.due(at: start + .seconds(20))

        #expect(early.allSatisfy { $0.due.isEmpty })
        #expect(early.map(\.isNew) == [true] + Array(repeating: false, count: 9))
        #expect(first == [Repeats(cause: "a", count: 9, time: .seconds(10))])
        #expect(!isNew)
        #expect(second == [Repeats(cause: "a", count: 1, time: .seconds(10))])
    }

    @Test func aCauseThatStayedAwayIsNewAgain() {
        var tally = FailureTally()
        _ = tally.isNew("a", at: start)
        let due = tally.due(at: start + .seconds(10))
        let isNew = tally.isNew("a", at: start + .seconds(11))

        #expect(due.isEmpty)
        #expect(isNew)
    }

    @Test func theEndLeavesNothingUntold() {
        var tally = FailureTally()
        for cause in ["a", "a", "b"] { _ = tally.isNew(cause, at: start) }
        let due = tally.due(at: start + .seconds(1), isEnd: true)

        #expect(due == [Repeats(cause: "a", count: 1, time: .seconds(1))])
    }

    @Test func ofTooManyCausesEachFailureIsTold() {
        var tally = FailureTally()
        let known = (0..<FailureTally.causesMaximum).map { String($0) }
        let areNew = known.map { tally.isNew($0, at: start) }
        let further = (0..<2).map { _ in tally.isNew("further", at: start) }
        let areNewAgain = known.map { tally.isNew($0, at: start) }

        #expect(areNew.allSatisfy { $0 } && further == [true, true])
        #expect(!areNewAgain.contains(true))
    }
}
