import Testing

@testable import Saga

/// What a process remembers of the books.
@Suite(.timeLimit(.minutes(1)))
struct ReconciliationLogTests {
    @Test func anOwnerIsAskedLessAndLessOften() {
        var log = ReconciliationLog()
        let start = ContinuousClock.now
        var asked: [Int] = []
        for second in 0..<600 where log.mayAsk(about: "k", at: start + .seconds(second)) {
            log.noteQuestion(about: "k", every: .seconds(60), at: start + .seconds(second))
            asked.append(second)
        }

        #expect(asked == [0, 60, 180, 420])
        #expect(log.wasAskedInVain(about: "k") && !log.wasAskedInVain(about: "other"))
        log.close("k")
        #expect(log.mayAsk(about: "k", at: start + .seconds(601)))
        #expect(log.questions(about: "k") == 0)
    }

    /// Nobody heard it, so nothing may be concluded from its having been asked.
    @Test func aQuestionThatCouldNotBeAskedIsNone() {
        var log = ReconciliationLog()
        let now = ContinuousClock.now
        #expect(log.mayAsk(about: "k", at: now))
        #expect(log.mayAsk(about: "k", at: now))
        #expect(log.questions(about: "k") == 0)
        log.noteQuestion(about: "k", every: .seconds(60), at: now)
        #expect(!log.mayAsk(about: "k", at: now))
    }

    @Test func whatCannotBeUndoneIsTriedLessAndLessOften() {
        var log = ReconciliationLog()
        let start = ContinuousClock.now
        var tried: [Int] = []
        for second in 0..<600 where log.mayUndo("k", at: start + .seconds(second)) {
            log.noteUndo("k", every: .seconds(60), at: start + .seconds(second))
            tried.append(second)
        }

        #expect(tried == [0, 60, 180, 420])
        #expect(log.mayUndo("other", at: start))
        log.halt()
        #expect(!log.mayUndo("other", at: start))
    }

    @Test func whatThereIsNoRoomForIsNotPassed() {
        var log = ReconciliationLog()
        for number in 0..<ReconciliationLog.openMaximum {
            let isKept = log.keep("\(number)")
            #expect(isKept)
        }
        #expect(log.isFull)
        let isKept = log.keep("one more")
        #expect(!isKept)
        let isKnown = log.keep("7")
        #expect(isKnown)
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
        _ = log.keep("k")
        log.begin()

        #expect(log.cursor == nil && log.open.isEmpty)
    }
}
