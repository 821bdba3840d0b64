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

    @Test func aStepThatWaitsForAPersonIsShownWithItsQuestion() {
        let debt = Debt(
            sagaID: "1", step: "charge", tries: 3, type: "OrderCreated", entryID: "1-0",
            event: [], error: Debt.asking("Is it on the statement?"), since: 1_700_000_000_000)

        let line = BlockedSteps.line(debt, "payment", 1_700_000_060_000)

        let expected = """
            payment waits at charge since 2023-11-14T22:13:20.000Z for a person: Is it on the \
            statement?
            """
        #expect(line == expected)
    }

    @Test func anOwnerThatCancelsSaysForWhomItWaits() {
        let lines = BlockedSteps.waiting(
            "cancelling:inventory,payment+inventory#3 e reason", "order")

        #expect(lines == ["order is cancelling it, and waits for payment"])
        #expect(BlockedSteps.waiting("cancelled e reason", "order").isEmpty)
        #expect(BlockedSteps.waiting("pending e", "order").isEmpty)
        #expect(BlockedSteps.waiting(nil, "payment").isEmpty)
    }
}
