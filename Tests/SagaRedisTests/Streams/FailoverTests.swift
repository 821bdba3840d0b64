import Saga
import SagaRedis
import SagaTestKit
import Testing
import TroupeRedis
import TroupeRedisTestKit

/// The primary behind a stable address becomes a replica, and no connection is closed by that.
@Suite(.timeLimit(.minutes(2)))
struct FailoverTests {
    @Test func sagasGoOnAtTheNewPrimaryBehindTheSameAddress() async throws {
        let options = RedisServer.Options(arguments: ["--repl-diskless-sync-delay", "0"])
        let first = try await RedisServer.launch(options)
        let second = try await RedisServer.launch(options)
        let address = try await TCPForwarder(to: first.port)
        let (old, new) = (first.client(), second.client())
        try await follow(new, first.port)
        let behind = first.client { $0.address = .tcp(host: "127.0.0.1", port: address.port) }
        let rig = try await rig(behind)

        try await rig.running { order in
            _ = try await order.begin("before", OrderCreated())
            try await rig.settled("before", order, as: .completed)
            // Under way, and silent, so that nothing is lost between the two servers.
            rig.saga.world.fail("charge")
            for number in 0..<20 { _ = try await order.begin("\(number)", OrderCreated()) }
            try await eventually("the replica has everything") {
                try await replicated(old, new)
            }

            _ = try await new.send(RedisCommand("REPLICAOF", ["NO", "ONE"]))
            address.point(to: second.port)
            try await follow(old, second.port)
            rig.saga.world.fail("charge", false)
            let start = ContinuousClock.now

            try await rig.until("orders begin again", within: .seconds(10)) {
                try await order.begin("after", OrderCreated()) != .rejected(.outcomeUnknown)
            }
            try await rig.settled("after", order, as: .completed)
            #expect(ContinuousClock.now - start < .seconds(10))
            for number in 0..<20 { try await rig.settled("\(number)", order, as: .completed) }
            #expect(order.faults.isEmpty)
            try await reaches(new, behind, rig)
        }

        #expect(rig.saga.world.done("dispatch").count == 22)
        await behind.shutdown()
        for client in [old, new] { await client.shutdown() }
        await address.stop()
        await first.stop()
        await second.stop()
    }

    /// It writes nothing that the old one could refuse, and would go on reading what is old there.
    @Test func whoOnlyReadsMovesToTheNewPrimaryToo() async throws {
        let options = RedisServer.Options(arguments: ["--repl-diskless-sync-delay", "0"])
        let first = try await RedisServer.launch(options)
        let second = try await RedisServer.launch(options)
        let address = try await TCPForwarder(to: first.port)
        let (old, new) = (first.client(), second.client())
        try await follow(new, first.port)
        let reader = first.client { $0.address = .tcp(host: "127.0.0.1", port: address.port) }
        let running = Task { try await reader.run() }
        _ = try await old.send(.set("price", "old"))
        try await eventually("the replica has everything") { try await replicated(old, new) }
        #expect(try await reader.send(.get("price")).string == "old")

        _ = try await new.send(RedisCommand("REPLICAOF", ["NO", "ONE"]))
        address.point(to: second.port)
        _ = try await old.send(RedisCommand("REPLICAOF", ["127.0.0.1", "1"]))
        _ = try await new.send(.set("price", "new"))

        try await eventually("it reads what is new") {
            // A link that is being replaced answers nothing.
            let reply = try? await reader.send(.get("price"))
            return reply?.string == "new"
        }
        running.cancel()
        try await running.value
        for client in [old, new] { await client.shutdown() }
        await address.stop()
        await first.stop()
        await second.stop()
    }

    private func follow(_ client: RedisClient, _ port: Int) async throws {
        _ = try await client.send(
            RedisCommand("REPLICAOF", ["127.0.0.1", .string("\(port)")]))
    }

    private func replicated(_ old: RedisClient, _ new: RedisClient) async throws -> Bool {
        let facts = try await new.send(.info("replication")).infoFields()
        let offset = try await old.send(.info("replication")).infoFields()["master_repl_offset"]
        return facts["master_link_status"] == "up" && facts["slave_repl_offset"] == offset
    }

    /// Asks the new primary itself: what is told to it, the old one hears as its replica.
    private func reaches(_ new: RedisClient, _ behind: RedisClient, _ rig: ShopRig) async throws {
        _ = try await behind.send(RedisCommand("SET", ["reached", "second"]))
        #expect(try await new.send(.get("reached")).string == "second")
        let channel = rig.keys.channel("OrderCreated")
        try await rig.until("the subscriptions are there") {
            let counts = try await new.send(
                RedisCommand("PUBSUB", ["NUMSUB", .string(channel)]))
            return counts[1]?.integer ?? 0 > 0
        }
    }

    private func rig(_ redis: RedisClient) async throws -> ShopRig {
        var configuration = SagaRuntimeConfiguration()
        configuration.consumerName = "replica"
        configuration.drainInterval = .milliseconds(200)
        let rig = ShopRig(saga: ShopSaga(), redis: redis, configuration: configuration)
        _ = try await rig.store("inventory").transition(
            Changes { $0.set("stock:1", ["available": "1000"]) })
        return rig
    }
}
