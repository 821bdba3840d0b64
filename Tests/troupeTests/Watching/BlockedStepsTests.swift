import CloudEvents
import EventStreams
import Saga
import SagaRedis
import Testing
import TroupeRedis
import TroupeRedisTestKit

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

/// The same on a Redis, where a step waits of which nothing has been said yet.
@Suite(.redisServer, .timeLimit(.minutes(1)))
struct ShownQuestionTests {
    @Test func aServiceThatHasSaidNothingYetIsShownWithItsQuestion() async throws {
        let names = SagaKeys(namespace: "shown")
        let client = RedisServer.current.client()
        let event = CloudEvent(
            source: "/order", type: "OrderCreated", subject: "7", data: Array("{}".utf8))
        _ = try await client.send(
            .xadd(
                names.stream("OrderCreated", owner: "order"),
                ["data": .bytes(event.json()), "correlationid": "7"]))
        _ = try await client.send(.xgroupCreate(names.again("payment"), "payment"))
        let debt = Debt(
            sagaID: "7", step: "charge", tries: 1, type: "OrderCreated", entryID: "1-0",
            event: event.json(), error: Debt.asking("Is it on the statement?"))
        let fields = [
            "charge", "unknown e outcome_unknown", "owes", "charge", "owes:charge",
            "1700000000000" + debt.textAfterSince, "blocked", "charge e",
        ]
        let ledger = names.ledger(named: "7", by: SagaNaming([]), service: "payment")
        _ = try await client.send(
            RedisCommand("HSET", ([ledger] + fields).map { .string($0) }))

        let found = try await SagaHistory(
            client: client, names: EventStreamKeys(namespace: "shown")
        ).account(of: "7")
        let lines = try await BlockedSteps(client: client, keys: names)
            .lines(of: "7", at: found.services.sorted())

        #expect(found.events.map(\.type) == ["OrderCreated"])
        #expect(found.services == ["order", "payment"])
        #expect(
            lines == [
                "payment waits at charge since 2023-11-14T22:13:20.000Z for a person: "
                    + "Is it on the statement?",
                "next: troupe saga resolve 7 --service payment --step charge --done | --undone",
            ])
        await client.shutdown()
    }
}
