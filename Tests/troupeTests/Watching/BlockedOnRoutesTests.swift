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
        let redis = RedisServer.current.client()
        let space = "test" + String(UInt64.random(in: 0 ... .max), radix: 36)
        let keys = SagaKeys(namespace: space)
        let debt = Debt(
            sagaID: "1", step: "charge", tries: 2, type: "RenewalWithdrawn", entryID: "1-0",
            event: [], error: "no answer", since: 1_700_000_000_000)
        let ledger = keys.ledger(
            named: "renewal/1", by: SagaNaming(["order", "renewal"]), service: "payment")
        do {
            for (key, fields) in [
                (keys.declared("payment"), ["route": "order 00, renewal 11"]),
                (
                    ledger,
                    [
                        "blocked": "charge e", "owes": "charge",
                        "owes:charge": "1700000000000" + debt.textAfterSince,
                    ]
                ),
            ] {
                for (name, value) in fields {
                    _ = try await redis.send(
                        RedisCommand("HSET", [.string(key), .string(name), .string(value)]))
                }
            }

            let lines = try await BlockedSteps(client: redis, keys: keys)
                .lines(of: "1", at: ["order", "payment"])

            #expect(lines == [BlockedSteps.line(debt, "payment", nil)])
        } catch {
            await redis.shutdown()
            throw error
        }
        await redis.shutdown()
    }
}
