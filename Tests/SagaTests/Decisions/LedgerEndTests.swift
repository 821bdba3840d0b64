import Saga
import Testing

/// What ledgers say of the end of their sagas, and who has lost a question.
@Suite(.timeLimit(.minutes(1)))
struct LedgerEndTests {
    @Test(arguments: [
        LedgerEnd.completed, .cancelled, .awaiting(["a"], version: 1, said: "{}"),
        .awaiting(["a", "b/c"], version: 12, said: #"{"text": "two  words"}"#),
    ])
    func itIsReadAsItWasWritten(_ end: LedgerEnd) {
        #expect(LedgerEnd(end.text) == end)
        #expect(LedgerEnd(LedgerEntry(end.text)) == end)
    }

    @Test(arguments: ["", "completed ", "awaiting", "awaiting a", "awaiting a b {}", "done"])
    func anythingElseIsNone(_ text: String) {
        #expect(LedgerEnd(text) == nil)
    }

    @Test func whoeverFinishesIsAwaitedNoMore() {
        let end = LedgerEnd.awaiting(["a", "b"], version: 1, said: "{}")

        #expect(end.finished(by: "c") == nil)
        #expect(end.finished(by: "a") == .awaiting(["b"], version: 1, said: "{}"))
        #expect(end.finished(by: "a")?.finished(by: "b") == .completed)
        #expect(LedgerEnd.cancelled.finished(by: "a") == nil)
        #expect(SagaEnd("1", .finished(by: "a")).end(over: nil) == nil)
        #expect(SagaEnd("1", .cancelled).end(over: nil) == .cancelled)
    }

    @Test(arguments: [
        (true, Int64(50), Int64?.none, true), (true, 50, 150, true), (true, 50, 100, false),
        (true, 50, 50, false), (false, 101, nil, true), (false, 100, nil, false),
        (false, 150, 120, true), (false, 150, 90, false),
    ])
    func allUntilAMomentIsDealtWithOnceItIsReadAndAcknowledged(
        _ isAtEnd: Bool, _ delivered: Int64, _ pending: Int64?, _ isDealt: Bool
    ) {
        let progress = GroupProgress(
            unread: isAtEnd ? 0 : 1, delivered: delivered, oldestPending: pending)

        #expect(progress.hasDealt(until: 100) == isDealt)
    }

    /// Whatever of the way a question is on, and its answer on the way back, it is not lost.
    @Test func aQuestionIsLostOnlyOnceItIsDealtWithAndNoAnswerIsOnItsWay() {
        let done = GroupProgress(unread: 0, delivered: 9000, oldestPending: nil)
        let unread = GroupProgress(unread: 3, delivered: 500, oldestPending: nil)
        let pending = GroupProgress(unread: 0, delivered: 9000, oldestPending: 900)
        let busy = GroupProgress(unread: 3, delivered: 9500, oldestPending: 9400)
        func isLost(_ asks: [GroupProgress], _ answers: [GroupProgress]) -> Bool {
            LifecycleQuestion.isLost(asked: 1000, now: 10_000, asks: asks, answers: answers)
        }

        #expect(isLost([done, busy], [done, busy]))
        #expect(!isLost([done, unread], [done]), "it is still to come")
        #expect(!isLost([done, pending], [done]), "it is being dealt with")
        #expect(!isLost([done], [done, unread]), "an answer is to come")
        #expect(!isLost([done], [done, pending]), "an answer is being dealt with")
        let behind = GroupProgress(unread: 3, delivered: 7000, oldestPending: nil)
        #expect(!isLost([done], [behind]), "an answer may have been given since")
    }
}
