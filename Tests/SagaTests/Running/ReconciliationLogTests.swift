import Testing

@testable import Saga

/// What a process remembers of the books.
@Suite(.timeLimit(.minutes(1)))
struct ReconciliationLogTests {
    @Test func anOwnerIsAskedLessAndLessOften() {
        var log = ReconciliationLog()
        let start = ContinuousClock.now
        var asked: [Int] = []
        for second in 0..<600
        where log.mayAsk(
            about: "k", every: .seconds(60), at: start + .seconds(second))
        {
            asked.append(second)
        }

        #expect(asked == [0, 60, 180, 420])
        #expect(log.wasAskedInVain(about: "k") && !log.wasAskedInVain(about: "other"))
        log.close("k")
        let isAskedAgain = log.mayAsk(about: "k", every: .seconds(60), at: start + .seconds(601))
        #expect(isAskedAgain)
    }

    @Test func tooManyUndosWithinAnHourStopItForGood() {
        var log = ReconciliationLog()
        let start = ContinuousClock.now
        let allowed = [0, 1, 2, 4, 9_000].map { log.mayUndo(atMost: 3, at: start + .seconds($0)) }

        #expect(allowed == [true, true, true, false, false])
        #expect(log.isHalted)
    }

    @Test func aFewUndosNowAndThenNeverStopIt() {
        var log = ReconciliationLog()
        let start = ContinuousClock.now
        let moments = (0..<50).flatMap { hour in (0..<3).map { hour * 3_601 + $0 } }
        let allowed = moments.map { log.mayUndo(atMost: 3, at: start + .seconds($0)) }

        #expect(!allowed.contains(false))
    }

    @Test func aDoubtThatDoesNotPassIsOne() {
        var log = ReconciliationLog()
        let first = log.doubt("k")
        let second = log.doubt("k")
        log.close("k")
        let third = log.doubt("k")

        #expect([first, second, third] == [false, true, false])
    }

    @Test func everythingIsLookedAtOnceMoreOnOtherData() {
        var log = ReconciliationLog()
        log.advance(to: "7")
        log.keep("k")
        log.begin()

        #expect(log.cursor == nil && log.open.isEmpty)
    }
}
