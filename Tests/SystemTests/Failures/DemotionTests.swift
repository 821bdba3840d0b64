import Foundation
import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import troupe

/// The primary behind a stable address becomes a replica, and only later does the address lead to
/// the new one.
@Suite(.timeLimit(.minutes(5)))
struct DemotionTests {
    @Test func aSystemIsNotReadyUntilItHasItsNewPrimary() async throws {
        let options = RedisServer.Options(
            isDurable: true, arguments: ["--repl-diskless-sync-delay", "0"])
        let first = try await RedisServer.launch(options)
        let second = try await RedisServer.launch(options)
        let address = try await TCPForwarder(to: first.port)
        let (old, new) = (first.client(), second.client())
        let url = "redis://127.0.0.1:\(address.port)"
        let system = try await RunningSystem.open(.oneProcess, variables: ["REDIS_URL": url])
        let product = try await system.newProduct(stock: 100)
        let before = try await system.placed(RunningSystem.order(product))
        #expect(try await system.ended(before).text("status") == "completed")
        try await eventually("it is ready") { try await Self.readiness(system)?.status == 200 }
        _ = try await new.send(Self.following(first.port))
        try await eventually("the replica has everything") {
            let facts = try await new.send(.info("replication")).infoFields()
            return facts["master_link_status"] == "up"
        }

        _ = try await new.send(RedisCommand("REPLICAOF", ["NO", "ONE"]))
        _ = try await old.send(Self.following(second.port))

        let said = try await eventualValue("it is not ready", within: .seconds(10)) {
            let answer = try await Self.readiness(system)
            // Just then it may first say that other data is there.
            let isSaid = answer?.body.contains("read-only replica") == true
            return answer?.status == 503 && isSaid ? answer : nil
        }
        #expect(said.body.contains("read-only replica"), "\(said.body)")
        let refused = try await system.place(RunningSystem.order(product))
        #expect(refused.status == 503, "\(refused)")
        // Nobody has told it where the new one is.
        #expect(try await Self.readiness(system)?.status == 503)

        address.point(to: second.port)
        let start = ContinuousClock.now
        let id = try await eventualValue("orders begin again", within: .seconds(10)) {
            let answer = try await system.place(RunningSystem.order(product))
            return answer.status == 201 ? answer.text("id") : nil
        }
        #expect(try await system.ended(id).text("status") == "completed")
        #expect(ContinuousClock.now - start < .seconds(10))
        try await eventually("it is ready again", within: .seconds(20)) {
            try await Self.readiness(system)?.status == 200
        }
        await system.close()
        for client in [old, new] { await client.shutdown() }
        await address.stop()
        await first.stop()
        await second.stop()
    }

    private static func readiness(_ system: RunningSystem) async throws -> WebAnswer? {
        try? await Web.get("http://127.0.0.1:\(system.addresses.gateway + 100)/readyz")
    }

    private static func following(_ port: Int) -> RedisCommand {
        RedisCommand("REPLICAOF", ["127.0.0.1", .string("\(port)")])
    }
}
