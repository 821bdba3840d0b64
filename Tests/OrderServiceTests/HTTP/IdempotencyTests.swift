import OrderContracts
import OrderService
import Saga
import SagaRedis
import Testing
import TroupeRedis
import TroupeRedisTestKit

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
            #expect(try await system.orders.list(limit: 10).count == 2)
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
            #expect(try await system.orders.list(limit: 10).count == 2)
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

    @Test func anOrderThatCannotBeginLeavesItsKeyFree() async throws {
        try await OrderSystem.run { system in
            let web = try await system.web
            let key = ["idempotency-key": "k"]
            let namespace = system.settings.saga.namespace
            let stream = SagaKeys(namespace: namespace).stream("OrderCreated", owner: "order")
            let last = "18446744073709551615-18446744073709551615"
            _ = try await system.redis.send(
                RedisCommand("XADD", [.string(stream), .string(last), "data", "x"]))

            for _ in 0..<2 {
                let refused = try await web.post("/orders", Body().json, headers: key)
                #expect(refused.status == 503)
                #expect(refused.header("retry-after") != nil)
            }

            #expect(try await system.orders.list(limit: 10).count == 1)
            let names = RedisCommand("KEYS", [.string(namespace + ":{order}:key:*")])
            #expect(try await system.redis.send(names).array?.isEmpty == true)
            #expect(await system.company.chargeCount == 0)
        }
    }

    /// The last write of the order's beginning fails on its way to a real server.
    @Test func anOrderThatBeganByHalfIsNeverAnsweredAsOne() async throws {
        let server = try await RedisServer.launch()
        let forwarder = try await TCPForwarder(to: server.port)
        try await OrderSystem.run(on: server, port: forwarder.port) { system in
            let web = try await system.web
            let key = ["idempotency-key": "k"]
            forwarder.alter { text in
                guard text.contains("'type', 'OrderCreated'") else { return text }
                return text.replacing("call('SET', keys", with: "call('SEQ', keys")
            }

            for _ in 0..<2 {
                let failed = try await web.post("/orders", Body().json, headers: key)
                #expect(failed.status == 500)
                #expect(failed.header("idempotency-replayed") == nil)
            }

            #expect(await system.company.chargeCount == 0)
            forwarder.alter(nil)
            let good = try await web.post("/orders", Body().json, headers: key)
            #expect(good.status == 201)
            #expect(good.header("idempotency-replayed") == nil)
            _ = try await system.ended(OrderID(wellFormed: try #require(good.text("id"))))
            #expect(await system.company.chargeCount == 1)
        }
        await forwarder.stop()
        await server.stop()
    }

    @Test func malformedKeyIsRefused() async throws {
        try await OrderSystem.run { system in
            let answer = try await system.web.post(
                "/orders", Body().json, headers: ["idempotency-key": "\"open"])

            #expect(answer.status == 400)
            #expect(answer.faults == ["Idempotency-Key"])
            #expect(try await system.orders.list(limit: 10).count == 1)
        }
    }
}
