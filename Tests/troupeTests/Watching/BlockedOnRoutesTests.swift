import ArgumentParser
import CloudEvents
import NIOCore
import Saga
import SagaRedis
import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import troupe

/// What blocks a saga is found on each route of a service, as it has declared them.
@Suite(.redisServer, .timeLimit(.minutes(1)))
struct BlockedOnRoutesTests {
    @Test func whatAFurtherRouteOwesIsShown() async throws {
        let debt = debt("no answer")
        try await withDebt(debt) { client, keys in
            let lines = try await BlockedSteps(client: client, keys: keys)
                .lines(of: "1", at: ["order", "payment"])

            #expect(lines == [BlockedSteps.line(debt, "payment", nil)])
        }
    }

    @Test func theLineThatIsShownResolvesIt() async throws {
        try await withDebt(debt(Debt.asking("Is it on the statement?"))) { client, keys in
            let lines = try await BlockedSteps(client: client, keys: keys)
                .lines(of: "1", at: ["payment"])
            let line = try #require(lines.last)
            #expect(line.hasPrefix("next: troupe saga resolve "))
            #expect(line.hasSuffix(" --done | --undone"))
            let words = line.split(separator: " ").dropFirst(4).dropLast(2).map(String.init)
            let command = try ResolveStepCommand.parse(words + ["--reason", "I asked", "-y"])

            let text = try await command.resolve(on: client, keys)

            #expect(text.hasPrefix("payment is told that charge is done"))
            let entries = try await client.send(.xrange(keys.again("payment"))).streamEntries()
            let bytes = try #require(entries.first?["data"].map { Array($0.readableBytesView) })
            let event = try CloudEvent(json: bytes)
            #expect((event.correlationID, event.route) == ("1", "renewal"))
        }
    }

    // MARK: - What they have in common

    private func debt(_ error: String) -> Debt {
        Debt(
            sagaID: "renewal/1", step: "charge", tries: 2, type: "RenewalWithdrawn",
            entryID: "1-0", event: [], error: error, since: 1_700_000_000_000)
    }

    /// Payments of two routes owe something on the second one.
    private func withDebt(
        _ debt: Debt, _ body: (RedisClient, SagaKeys) async throws -> Void
    ) async throws {
        let redis = RedisServer.current.client()
        let keys = SagaKeys(namespace: "test" + String(UInt64.random(in: 0 ... .max), radix: 36))
        let ledger = keys.ledger(
            named: debt.sagaID, by: SagaNaming(["order", "renewal"]), service: "payment")
        do {
            for (key, name, value) in [
                (keys.declared("payment"), "route", "order 00, renewal 11"),
                (keys.declared("payment"), "asks", "renewal.charge"),
                (ledger, "charge", "unknown e outcome_unknown"), (ledger, "blocked", "charge e"),
                (ledger, "owes", "charge"),
                (ledger, "owes:charge", "1700000000000" + debt.textAfterSince),
            ] {
                _ = try await redis.send(
                    RedisCommand("HSET", [.string(key), .string(name), .string(value)]))
            }
            try await body(redis, keys)
        } catch {
            await redis.shutdown()
            throw error
        }
        await redis.shutdown()
    }
}
