import Testing
import TroupeRedis
import TroupeRedisTestKit

@Suite(.redisServer, .timeLimit(.minutes(3)))
struct RedisLeaseTests {
    @Test func watchesAKey() async throws {
        try await RedisServer.current.withKeyspace { redis, prefix in
            let key = prefix + "k"
            try await redis.withLease { lease in
                _ = try await lease.send(.watch([key]))
                let undisturbed = try await lease.send(batch: [.multi, .set(key, 1), .exec])
                #expect(try undisturbed[2].get().array?.count == 1)
                _ = try await lease.send(.watch([key]))
                _ = try await redis.send(.set(key, "meanwhile"))
                let results = try await lease.send(batch: [.multi, .set(key, "mine"), .exec])
                #expect(try results[2].get().isNull)
            }
            #expect(try await redis.send(.get(key)).string == "meanwhile")
        }
    }

    @Test func blocksNobodyElse() async throws {
        try await RedisServer.current.withKeyspace { redis, prefix in
            async let popped = redis.withLease { lease in
                try await lease.send(
                    RedisCommand("BLPOP", [.string(prefix + "list"), 10]), timeout: .seconds(20))
            }
            #expect(try await redis.send(.ping).string == "PONG")
            _ = try await redis.send(RedisCommand("RPUSH", [.string(prefix + "list"), "x"]))
            #expect(try await popped[1]?.string == "x")
        }
    }

    @Test func lendsACleanConnectionAgainAndNoOther() async throws {
        // A server of its own, because the number of connections is observed.
        let server = try await RedisServer.launch()
        let redis = server.client { $0.leasedConnections = 1 }
        func connectionsSoFar(_ after: [RedisCommand]) async throws -> String {
            try await redis.withLease { lease in
                for command in after { _ = try await lease.send(command) }
                return try await lease.send(.info("stats")).infoFields()[
                    "total_connections_received"] ?? ""
            }
        }
        let first = try await connectionsSoFar([])
        let second = try await connectionsSoFar([.watch(["a"])])
        let third = try await connectionsSoFar([.watch(["a"]), .unwatch])
        let fourth = try await connectionsSoFar([RedisCommand("SELECT", [1])])
        let fifth = try await connectionsSoFar([])

        #expect(first == second)
        #expect(second != third)
        #expect(third == fourth)
        #expect(fourth != fifth)
        await redis.shutdown()
        await server.stop()
    }

    @Test func waitsInLineAndCanBeCancelledThere() async throws {
        let redis = RedisServer.current.client { $0.leasedConnections = 2 }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<50 {
                group.addTask { try await redis.withLease { _ = try await $0.send(.ping) } }
            }
            try await group.waitForAll()
        }
        try await redis.withLease { _ in
            try await redis.withLease { _ in
                let task = Task {
                    await #expect(throws: RedisError.self) {
                        try await redis.withLease { _ = try await $0.send(.ping) }
                    }
                }
                task.cancel()
                #expect(await task.value?.code == .cancelled)
            }
        }
        try await redis.withLease { _ = try await $0.send(.ping) }
        await redis.shutdown()
    }

    @Test func isNotUsedAgainAfterABlockingCallWasCancelled() async throws {
        let redis = RedisServer.current.client { $0.leasedConnections = 1 }
        let task = Task {
            try await redis.withLease { lease in
                _ = try await lease.send(
                    RedisCommand("BLPOP", ["never", 0]), timeout: .seconds(50))
            }
        }
        while try await redis.send(.info("clients")).infoFields()["blocked_clients"] != "1" {}
        task.cancel()
        await #expect(throws: RedisError.self) { try await task.value }
        #expect(try await redis.withLease { try await $0.send(.ping) }.string == "PONG")
        await redis.shutdown()
    }
}
