import SagaRedis
import SagaTestKit
import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import Saga

/// Names are borne by one process each, and what the dead have held is taken over within seconds.
@Suite(.redisServer, .timeLimit(.minutes(2)))
struct ConsumerTests {
    /// The one is cut off from Redis as it would be if it were killed.
    @Test func whatACutOffReplicaHoldsIsTakenOverWithinSeconds() async throws {
        try await ShopRig.with {
            $0.giveUpAfter = .seconds(60)
        } _: { rig in
            let address = try await TCPForwarder(to: RedisServer.current.port)
            let cut = RedisServer.current.client {
                $0.address = .tcp(host: "127.0.0.1", port: address.port)
                $0.clientName = "cut"
            }
            let otherRig = ShopRig(saga: rig.saga, redis: cut, configuration: rig.configuration)
            let other = try otherRig.runtime(rig.saga.payment)
            // What waits for another try is held.
            rig.saga.world.fail("charge")
            let running = Task { try await other.run() }
            try await rig.until("it bears the name") {
                try await bearer(of: "replica", rig) != nil
            }
            let order = try rig.runtime(rig.saga.order)
            for number in 0..<20 { _ = try await order.begin("\(number)", OrderCreated()) }
            try await rig.until("it holds them") {
                try await holders(rig) == ["replica": 20]
            }

            try await rig.running([rig.saga.payment]) { _ in
                try await rig.until("the second has another name, and has seen the first alive") {
                    try await bearer(of: "replica-2", rig) != nil
                }
                let sights = ContinuousClock.now
                try await rig.until("it has watched for a key's life") {
                    let found = try await holders(rig)
                    #expect(found == ["replica": 20], "the slow are not dead")
                    return ContinuousClock.now - sights > .seconds(6)
                }
                let start = ContinuousClock.now
                await address.stop()
                try await cutOff("cut", rig)
                try await rig.until("all are taken over") {
                    try await holders(rig) == ["replica-2": 20]
                }
                #expect(ContinuousClock.now - start < .seconds(8))
                rig.saga.world.fail("charge", false)
                try await rig.until("all are charged") {
                    rig.saga.world.done("charge").count == 20
                }
            }
            running.cancel()
            try await running.value
            await cut.shutdown()
        }
    }

    /// As after a failover that lost it, or when another process took it meanwhile.
    @Test func whoLostItsNameTakesAnotherAndDropsWhatItHolds() async throws {
        try await ShopRig.with {
            $0.giveUpAfter = .seconds(60)
        } _: { rig in
            rig.saga.world.fail("charge")
            try await rig.running([rig.saga.payment, rig.saga.order]) { order in
                _ = try await order.begin("1", OrderCreated())
                try await rig.until("it holds it") { try await holders(rig) == ["replica": 1] }

                let key = rig.keys.consumer("replica", service: "payment")
                _ = try await rig.redis.send(.set(key, "another's"))
                try await rig.until("it has another name") {
                    try await bearer(of: "replica-2", rig) != nil
                }
                #expect(try await bearer(of: "replica", rig) == "another's")
                rig.saga.world.fail("charge", false)
                _ = try await order.begin("2", OrderCreated())
                try await rig.until("it goes on under the other name") {
                    rig.saga.world.isDone("charge", rig.key("2", "payment", "charge"))
                }
                try await rig.until("and holds nothing of what it dropped") {
                    try await holders(rig) == ["replica": 1]
                }

                // Nobody says any more that he lives.
                _ = try await rig.redis.send(.del([key]))
                try await rig.until("what it had is taken over", within: .seconds(30)) {
                    rig.saga.world.isDone("charge", rig.key("1", "payment", "charge"))
                }
            }
            #expect(try await bearer(of: "replica-2", rig) == nil, "who stops gives its name back")
        }
    }

    /// What one of an older version works on, it renews; and goes by the leases of others.
    @Test func whoHasNoNameIsJudgedByItsLeaseAndLeasesAreRenewedForIt() async throws {
        try await ShopRig.with {
            $0.lease = .seconds(6)
            $0.giveUpAfter = .seconds(60)
        } _: { rig in
            rig.saga.world.fail("charge")
            let stream = rig.keys.stream("OrderCreated", owner: "order")
            let order = try rig.runtime(rig.saga.order)
            for number in 0..<2 { _ = try await order.begin("\(number)", OrderCreated()) }
            let ids = try await rig.entries("OrderCreated", owner: "order").map(\.id)
            _ = try await rig.redis.send(.xgroupCreate(stream, "payment"))
            _ = try await rig.redis.send(.xreadGroup("payment", "old", keys: [stream], count: 1))

            try await rig.running([rig.saga.payment]) { _ in
                var (renewals, idle) = (0, 0)
                try await rig.until("the other entry was renewed three times") {
                    _ = try await rig.redis.send(
                        .xclaim(stream, "payment", "old", idle: .zero, [ids[0]], onlyIDs: true))
                    let found = try await holders(rig)
                    #expect(found["old"] == 1)
                    let entry = try await rig.redis.send(
                        .xpending(stream, "payment", count: 1, consumer: "replica")
                    ).pendingEntries().first
                    let now = entry?.idleMilliseconds ?? 0
                    if now < idle { renewals += 1 }
                    idle = now
                    return renewals == 3
                }
                try await rig.until("the silent one's is taken over", within: .seconds(30)) {
                    try await holders(rig) == ["replica": 2]
                }
            }
        }
    }

    /// Ends all connections of a client; it can make no others.
    private func cutOff(_ name: String, _ rig: ShopRig) async throws {
        let list = try await rig.redis.send(RedisCommand("CLIENT", ["LIST"])).string ?? ""
        for line in list.split(separator: "\n") where line.contains(" name=\(name) ") {
            guard let id = line.split(separator: " ").first?.dropFirst(3) else { continue }
            let kill = RedisCommand("CLIENT", ["KILL", "ID", .string(String(id))])
            _ = try await rig.redis.send(kill)
        }
    }

    private func bearer(of name: String, _ rig: ShopRig) async throws -> String? {
        try await rig.redis.send(.get(rig.keys.consumer(name, service: "payment"))).string
    }

    /// How much of the orders each replica of payments holds.
    private func holders(_ rig: ShopRig) async throws -> [String: Int] {
        let stream = rig.keys.stream("OrderCreated", owner: "order")
        let reply = try await rig.redis.send(.xpending(stream, "payment"))
        var holders: [String: Int] = [:]
        for pair in reply[3]?.array.map(Array.init) ?? [] {
            guard let name = pair[0]?.string, let count = pair[1]?.string else { continue }
            holders[name] = Int(count)
        }
        return holders
    }
}
