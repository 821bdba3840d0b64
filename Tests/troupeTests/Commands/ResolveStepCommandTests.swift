import ArgumentParser
import CloudEvents
import NIOCore
import Saga
import SagaRedis
import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import troupe

/// What `saga resolve` says when there is nothing to resolve.
@Suite(.timeLimit(.minutes(1)))
struct ResolveStepCommandTests {
    @Test func whatWaitsForAPersonCanBeAnswered() {
        #expect(fault(["unknown e outcome_unknown x", nil]) == nil)
    }

    @Test func whatWaitsForNobodyIsRefusedWithWhereItStands() {
        #expect(fault([nil, nil])?.code == .notFound)
        #expect(fault(["done e", nil])?.message == "charge of payment is done already")
        let answered = fault(["unknown e", "undone r they say so"])
        #expect(answered?.message == "somebody has declared it undone before: they say so")
        let asksNobody = fault(["unknown e", nil], asksPeople: false)
        #expect(asksNobody?.message.contains("goes on by itself") == true)
    }

    @Test(arguments: [
        "1 --service payment --step charge --reason r",
        "1 --service payment --step charge --reason r --done --undone",
        "1 --service payment --step charge --done",
        "1 --service payment --step charge --done --reason=",
    ]) func anAnswerIsOneOfTwoAndHasAReason(_ words: String) {
        #expect(throws: (any Error).self) {
            _ = try ResolveStepCommand.parse(words.split(separator: " ").map(String.init))
        }
    }

    private func fault(_ held: [String?], asksPeople: Bool = true) -> CommandFailure? {
        ResolveStepCommand.fault(held, asksPeople: asksPeople, "charge", of: "payment")
    }
}

/// The same on a Redis, where a service waits.
@Suite(.redisServer, .timeLimit(.minutes(1)))
struct ResolvedStepTests {
    @Test func theAnswerIsLeftWithTheServiceOnceItIsMeant() async throws {
        let keys = SagaKeys(namespace: "resolve")
        let client = RedisServer.current.client()
        for (key, field, text) in [
            (ledger("7", keys), "charge", "unknown e outcome_unknown x"),
            (ledger("7", keys), "owes:charge", "1 1 OrderCreated 7-0\nx\n{}"),
            (ledger("8", keys), "charge", "done e"), (ledger("7", keys), "count", "unknown e"),
            (ledger("9", keys), "charge", "unknown e outcome_unknown x"),
            (keys.declared("payment"), "route", "order 00"),
            (keys.declared("payment"), "asks", "order.charge"),
        ] {
            _ = try await client.send(
                RedisCommand("HSET", [.string(key), .string(field), .string(text)]))
        }
        let again = keys.again("payment")
        _ = try await client.send(.xgroupCreate(again, "payment", from: "0"))

        await #expect(throws: CommandFailure.self) {
            _ = try await said("7", on: client, keys)
        }
        let would = try await said("7", on: client, keys, "--dry-run")
        await #expect(throws: CommandFailure.self) {
            _ = try await said("8", on: client, keys, "-y")
        }
        // The service asks people, and about this step it asks nobody.
        await #expect(throws: CommandFailure.self) {
            _ = try await said("7", "count", on: client, keys, "-y")
        }
        #expect(try await client.send(.xlen(again)).integer == 0)
        let text = try await said("7", on: client, keys, "-y")

        #expect(would == "charge of 7 at payment would be declared undone")
        #expect(
            text
                == "payment is told that charge is undone, and goes on when it has read that; "
                + "next: troupe saga show 7")
        let entries = try await client.send(.xrange(again)).streamEntries()
        #expect(entries.count == 1)
        let bytes = try #require(entries.first?["data"].map { Array($0.readableBytesView) })
        let event = try CloudEvent(json: bytes)
        #expect((event.type, event.correlationID) == ("ResolveStep", "7"))
        let request = try EventPayload.decode(ResolveStep.self, from: event.data)
        #expect(
            (request.step, request.outcome, request.reason) == ("charge", .undone, "they say so"))
        // It owes nothing that would be tried again.
        let letter = try await said("9", on: client, keys, "-y")
        #expect(
            letter.hasSuffix(
                "goes on when its event comes again; next: put that back from "
                    + keys.dead("payment")))
        await client.shutdown()
    }

    private func ledger(_ saga: String, _ keys: SagaKeys) -> String {
        keys.ledger(named: saga, by: SagaNaming([]), service: "payment")
    }

    private func said(
        _ saga: String, _ step: String = "charge", on client: RedisClient, _ keys: SagaKeys,
        _ more: String...
    ) async throws -> String {
        let command = try ResolveStepCommand.parse(
            [
                saga, "--service", "payments", "--step", step, "--undone", "--reason",
                "they say so",
            ] + more)
        return try await command.resolve(on: client, keys)
    }
}
