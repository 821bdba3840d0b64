import Saga
import Testing

@testable import troupe

/// What a person reads about a saga that makes no progress.
@Suite(.timeLimit(.minutes(1)))
struct BlockedStepsTests {
    @Test func theLineSaysWhereSinceWhenWhyAndWhenItIsTriedAgain() {
        let debt = Debt(
            sagaID: "1", step: "charge", tries: 3, type: "PaymentFailed", entryID: "1-0",
            event: [], error: "the company\nanswered 503", since: 1_700_000_000_000)

        let line = BlockedSteps.line(debt, "payment", 1_700_000_060_000)

        let expected = """
            payment is blocked at charge since 2023-11-14T22:13:20.000Z, was tried 3 times, and is \
            tried again at 2023-11-14T22:14:20.000Z: the company answered 503
            """
        #expect(line == expected)
    }
}
