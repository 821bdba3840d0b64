import OrderContracts
import OrderService
import Saga
import SagaRedis
import Testing
import TroupeRedis
import TroupeRedisTestKit

/// What a finished saga leaves in Redis.
@Suite(.redisServer, .timeLimit(.minutes(2)))
struct OrderFootprintTests {
    @Test func finishedSagaTakesLessThanEightKilobytes() async throws {
        try await OrderSystem.run { system in
            let before = try await memory(of: system)
            let count = 200
            let ids = try await withThrowingTaskGroup(of: OrderID.self) { group in
                for _ in 0..<count { group.addTask { try await system.place() } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            for id in ids { _ = try await system.ended(id) }
            try await system.addsUp()

            let bytes = (try await memory(of: system) - before) / count
            #expect(bytes < 8192)
        }
    }

    /// The sum of all keys of the system, each measured in full.
    private func memory(of system: OrderSystem) async throws -> Int {
        let pattern = RedisArgument.string(system.settings.saga.namespace + ":*")
        let keys = try await system.redis.send(RedisCommand("KEYS", [pattern])).strings()
        var sum = 0
        for key in keys.compactMap({ $0 }) {
            let usage = RedisCommand(
                "MEMORY", ["USAGE", .string(key), "SAMPLES", 0], isReadOnly: true)
            sum += try await system.redis.send(usage).integer ?? 0
        }
        return sum
    }
}
