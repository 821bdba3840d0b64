import RedisTestKit
import Testing

@testable import troupe

/// Redis goes away under load and comes back.
@Suite(.stage(.manyProcesses), .serialized, .timeLimit(.minutes(4)))
struct RedisRestartTests {
    @Test func requestsFailFastAndTheSystemHealsByItself() async throws {
        let stage = try Stage.current
        let product = try await stage.newProduct(stock: 1_000)
        let load = Load(stage: stage, product: product)
        let placing = Task { try await load.run(orders: 60) }
        try await eventually("some orders are under way") { await load.count >= 15 }

        await stage.redis.stop()
        let asked = ContinuousClock.now
        let refused = try await stage.place(Stage.order(product))
        let waited = ContinuousClock.now - asked
        try await stage.redis.start()
        let healing = ContinuousClock.now
        let id = try await eventually("an order is taken again") {
            let answer = try? await stage.place(Stage.order(product))
            return answer?.status == 201 ? answer?.text("id") : nil
        }
        let healed = ContinuousClock.now - healing
        try await placing.value

        #expect(refused.status == 503, "\(refused)")
        #expect(
            refused.headers["content-type"]?.hasPrefix("application/problem+json") == true)
        // Two seconds by design; the limit here allows for a machine that is busy with tests.
        #expect(waited < .seconds(2), "refused after \(waited)")
        #expect(healed < .seconds(5), "healed after \(healed)")
        try await stage.audit(product, stock: 1_000, orders: await load.ids + [id])
    }

    @Test func nothingAcknowledgedIsLostWhenRedisIsKilled() async throws {
        let stage = try Stage.current
        let product = try await stage.newProduct(stock: 1_000)
        let load = Load(stage: stage, product: product)
        try await load.run(orders: 20)

        await stage.redis.kill()
        try await stage.redis.start()

        try await stage.audit(product, stock: 1_000, orders: await load.ids)
    }

    @Test func cacheIsNotUsedWhileItCannotHear() async throws {
        let stage = try Stage.current
        let url = "\(stage.gateway)/orders/1/details"
        try await eventually("the cache answers") {
            try await Web.get(url).headers["cache-status"]?.contains("hit") == true
        }

        await stage.redis.stop()
        // The connection's end is seen at once, the L1 is suspended with it; what is answered
        // now comes from the services, which cannot answer either.
        try await eventually("the gateway answers without its cache") {
            let answer = try await Web.get(url)
            return answer.headers["cache-status"]?.contains("hit") != true
        }
        try await stage.redis.start()

        try await eventually("the cache answers again") {
            let answer = try await Web.get(url)
            return answer.status == 200 && answer.headers["cache-status"]?.contains("hit") == true
        }
    }
}
