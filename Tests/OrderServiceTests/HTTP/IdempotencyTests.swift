import OrderContracts
import OrderService
import Redis
import RedisTestKit
import SagaRedis
import Testing

/// `Idempotency-Key`: one attempt, one order.
@Suite(.redisServer, .timeLimit(.minutes(2)))
struct IdempotencyTests {
    @Test func sameKeyAndBodyBringTheSameOrder() async throws {
        try await OrderSystem.run { system in
            let web = try await system.web
            let first = try await web.post(
                "/orders", Body().json, headers: ["idempotency-key": "\"a-b\""])
            let again = try await web.post(
                "/orders", Body().json.replacing("\n", with: " "),
                headers: ["idempotency-key": "a-b"])

            #expect(first.status == 201)
            #expect(first.header("idempotency-replayed") == nil)
            #expect(again.status == 201)
            #expect(again.header("idempotency-replayed") == "true")
            #expect(again.text("id") == first.text("id"))
            #expect(again.header("location") == first.header("location"))
            #expect(try await system.desk.orders(limit: 10).count == 2)
        }
    }

    @Test func sameKeyForAnotherOrderIsRefused() async throws {
        try await OrderSystem.run { system in
            let web = try await system.web
            let key = ["idempotency-key": "k"]
            _ = try await web.post("/orders", Body().json, headers: key)
            let other = try await web.post("/orders", Body(quantity: "3").json, headers: key)

            #expect(other.status == 422)
            #expect(other.text("code") == "idempotency_key_reused")
            #expect(try await system.desk.orders(limit: 10).count == 2)
        }
    }

    @Test func keyOfARefusedRequestStaysFree() async throws {
        try await OrderSystem.run { system in
            let web = try await system.web
            let key = ["idempotency-key": "k"]
            let bad = try await web.post(
                "/orders", Body(user: "\"nobody\"").json, headers: key)
            let good = try await web.post("/orders", Body().json, headers: key)

            #expect(bad.status == 422)
            #expect(good.status == 201)
            #expect(good.header("idempotency-replayed") == nil)
        }
    }

    @Test func manyAtOnceMakeOneOrder() async throws {
        try await OrderSystem.run { system in
            let web = try await system.web
            let ids = try await withThrowingTaskGroup(of: String?.self) { group in
                for _ in 0..<40 {
                    group.addTask {
                        try await web.post(
                            "/orders", Body().json, headers: ["idempotency-key": "k"]
                        ).text("id")
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }

            #expect(ids.count == 40)
            #expect(Set(ids).count == 1)
            _ = try await system.ended(OrderID(wellFormed: try #require(ids.first ?? nil)))
            #expect(await system.company.chargeCount == 1)
            try await system.addsUp()
        }
    }

    @Test func keyIsForgottenAfterADay() async throws {
        try await OrderSystem.run { system in
            _ = try await system.web.post(
                "/orders", Body().json, headers: ["idempotency-key": "k"])
            let namespace = system.settings.saga.namespace
            let keys = try await system.redis.send(
                RedisCommand("KEYS", [.string(namespace + ":{order}:key:*")])
            ).strings().compactMap { $0 }

            let name = try #require(keys.first)
            let left = try await system.redis.send(RedisCommand("TTL", [.string(name)])).integer
            #expect(keys.count == 1)
            #expect((86_000...86_400).contains(left ?? 0))
        }
    }

    @Test func malformedKeyIsRefused() async throws {
        try await OrderSystem.run { system in
            let answer = try await system.web.post(
                "/orders", Body().json, headers: ["idempotency-key": "\"open"])

            #expect(answer.status == 400)
            #expect(answer.faults == ["Idempotency-Key"])
            #expect(try await system.desk.orders(limit: 10).count == 1)
        }
    }
}
