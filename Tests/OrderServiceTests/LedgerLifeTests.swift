import OrderContracts
import OrderService
import Saga
import SagaRedis
import Testing
import TroupeRedis
import TroupeRedisTestKit

/// How long what a saga leaves in Redis stays there.
@Suite(.redisServer, .timeLimit(.minutes(2)))
struct LedgerLifeTests {
    @Test func aLedgerHasNoEndWhileItsSagaIsUnderWayAndOneOnceAllHaveHeardOfIts() async throws {
        try await OrderSystem.run { system in
            await system.shipping.crash()
            let completed = try await system.place()
            let cancelled = try await system.place()
            let parts = ["order", "payment", "inventory"]
            for id in [completed, cancelled] {
                try await eventually("everything before shipping is done") {
                    try await lives(of: id, system).keys.sorted() == parts.sorted()
                }
                #expect(try await lives(of: id, system).values.allSatisfy { $0 == -1 })
            }

            _ = try await system.orders.cancel(cancelled)
            try await system.shipping.start()

            for id in [completed, cancelled] {
                _ = try await system.ended(id)
                let ending = id == completed ? "completed" : "cancelled"
                try await eventually("all have heard of the end") {
                    let lives = try await lives(of: id, system)
                    return lives.count == 4 && lives.values.allSatisfy { $0 > 86_400 }
                }
                for part in parts + ["shipping"] {
                    let said = try await system.redis.send(
                        RedisCommand("HGET", [.string(ledger(part, id, system)), "end"])
                    ).string
                    #expect(said == ending, "\(part)")
                }
            }
        }
    }

    /// The seconds that each participant's ledger still has; -1 for no end.
    private func lives(of id: OrderID, _ system: OrderSystem) async throws -> [String: Int] {
        var lives: [String: Int] = [:]
        for part in ["order", "payment", "inventory", "shipping"] {
            let life = try await system.redis.send(
                RedisCommand("TTL", [.string(ledger(part, id, system))])
            ).integer
            if let life, life != -2 { lives[part] = life }
        }
        return lives
    }

    private func ledger(_ part: String, _ id: OrderID, _ system: OrderSystem) -> String {
        SagaKeys(namespace: system.settings.saga.namespace).ledger(id.text, service: part)
    }
}
