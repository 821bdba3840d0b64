import CloudEvents
import Saga
import SagaRedis
import SagaTestKit
import Testing
import Timekeeping
import TroupeRedis
import TroupeRedisTestKit

/// Delivery through crashes, lost groups and lost doorbells.
@Suite(.redisServer, .timeLimit(.minutes(1)))
struct DeliveryTests {
    @Test func whatWasCancelledBeforeItsStepBeganIsNeverDone() async throws {
        try await ShopRig.with { rig in
            let order = try rig.runtime(rig.saga.order)
            for number in 0..<10 {
                _ = try await order.begin("\(number)", OrderCreated())
                _ = try await order.requestCancellation(
                    of: "\(number)", reason: BusinessFailure("x"))
            }
            try await rig.running { order in
                for number in 0..<10 {
                    try await rig.settled("\(number)", order, as: .cancelled)
                }
                try await rig.until("everything is dealt with") {
                    try await rig.pending("OrderCreated", owner: "order", group: "payment") == 0
                }
            }

            #expect(rig.saga.world.calls("charge") == 0)
            #expect(try await rig.ledger("payment", "0", "charge") == "tombstone")
        }
    }

    @Test func whatACrashedLifeHadIsDeliveredAgain() async throws {
        try await ShopRig.with { rig in
            let stream = rig.keys.stream("OrderCreated", owner: "order")
            let order = try rig.runtime(rig.saga.order)
            for number in 0..<5 { _ = try await order.begin("\(number)", OrderCreated()) }
            _ = try await rig.redis.send(.xgroupCreate(stream, "payment"))
            _ = try await rig.redis.send(.xreadGroup("payment", "replica", keys: [stream]))

            try await rig.running { order in
                for number in 0..<5 { try await rig.settled("\(number)", order, as: .completed) }
            }

            #expect(rig.saga.world.calls("charge") == 5)
            #expect(try await rig.pending("OrderCreated", owner: "order", group: "payment") == 0)
        }
    }

    @Test func whatADeadReplicaHadIsTakenOver() async throws {
        try await ShopRig.with {
            $0.lease = .milliseconds(150)
        } _: { rig in
            let stream = rig.keys.stream("OrderCreated", owner: "order")
            let order = try rig.runtime(rig.saga.order)
            for number in 0..<5 { _ = try await order.begin("\(number)", OrderCreated()) }
            _ = try await rig.redis.send(.xgroupCreate(stream, "payment"))
            _ = try await rig.redis.send(.xreadGroup("payment", "dead", keys: [stream]))

            try await rig.running { order in
                for number in 0..<5 { try await rig.settled("\(number)", order, as: .completed) }
            }

            #expect(rig.saga.world.calls("charge") == 5)
        }
    }

    @Test func deletedEntriesAreForgotten() async throws {
        try await ShopRig.with {
            $0.lease = .milliseconds(150)
        } _: { rig in
            let stream = rig.keys.stream("OrderCreated", owner: "order")
            let order = try rig.runtime(rig.saga.order)
            for number in 0..<4 { _ = try await order.begin("\(number)", OrderCreated()) }
            _ = try await rig.redis.send(.xgroupCreate(stream, "payment"))
            _ = try await rig.redis.send(
                .xreadGroup("payment", "replica", keys: [stream], count: 2))
            _ = try await rig.redis.send(.xreadGroup("payment", "dead", keys: [stream]))
            let ids = try await rig.entries("OrderCreated", owner: "order").map(\.id)
            _ = try await rig.redis.send(.xdel(stream, [ids[0], ids[2]]))

            try await rig.running { order in
                try await rig.settled("1", order, as: .completed)
                try await rig.settled("3", order, as: .completed)
                try await rig.until("nothing is pending") {
                    try await rig.pending("OrderCreated", owner: "order", group: "payment") == 0
                }
            }
        }
    }

    @Test func aLostGroupIsMadeAgainWhereItWas() async throws {
        try await ShopRig.with {
            $0.housekeepingInterval = .milliseconds(20)
        } _: { rig in
            let stream = rig.keys.stream("OrderCreated", owner: "order")
            try await rig.running { order in
                for number in 0..<5 { _ = try await order.begin("\(number)", OrderCreated()) }
                for number in 0..<5 { try await rig.settled("\(number)", order, as: .completed) }
                let last = try await rig.entries("OrderCreated", owner: "order").last?.id
                try await rig.until("the cursor is stored") {
                    let cursor = try await rig.redis.send(
                        RedisCommand(
                            "HGET", [.string(rig.keys.cursor("payment")), .string(stream)]))
                    return cursor.string == last
                }

                _ = try await rig.redis.send(
                    RedisCommand("XGROUP", ["DESTROY", .string(stream), "payment"]))
                _ = try await order.begin("6", OrderCreated())
                try await rig.settled("6", order, as: .completed)
            }

            #expect(rig.saga.world.calls("charge") == 6)
        }
    }

    @Test func withoutDoorbellsTheTickerReads() async throws {
        try await ShopRig.with { rig in
            let stream = rig.keys.stream("OrderCreated", owner: "order")
            let event = CloudEvent(
                source: "/order", type: "OrderCreated", subject: "1", route: "saga",
                data: Array(#"{"card":"good","country":"DE","quantity":1}"#.utf8))

            try await rig.running([rig.saga.payment]) { _ in
                _ = try await rig.redis.send(.xadd(stream, ["data": .bytes(event.json())]))
                try await rig.until("it is charged") {
                    rig.saga.world.isDone("charge", rig.key("1", "payment", "charge"))
                }
            }
        }
    }

    @Test func streamsAreTrimmedUpToWhatIsNotDealtWith() async throws {
        try await ShopRig.with {
            $0.retention = .seconds(1)
            $0.housekeepingInterval = .milliseconds(50)
        } _: { rig in
            let stream = rig.keys.stream("OrderCreated", owner: "order")
            let now = SystemTime.milliseconds() - 100_000
            for number in 0..<500 {
                _ = try await rig.redis.send(
                    .xadd(stream, id: "\(now + Int64(number))-0", ["data": "old"]))
            }
            _ = try await rig.redis.send(.xgroupCreate(stream, "watcher"))
            _ = try await rig.redis.send(
                .xreadGroup("watcher", "one", keys: [stream], count: 400))
            let pending = try await rig.entries("OrderCreated", owner: "order")[300...399]
            let acknowledged = try await rig.entries("OrderCreated", owner: "order")[..<300]
            _ = try await rig.redis.send(.xack(stream, "watcher", acknowledged.map(\.id)))

            try await rig.running([rig.saga.order]) { _ in
                try await rig.until("old entries are gone") {
                    try await rig.redis.send(.xlen(stream)).integer ?? 500 < 300
                }
            }

            let left = Set(try await rig.entries("OrderCreated", owner: "order").map(\.id))
            #expect(left.isSuperset(of: pending.map(\.id)))
            #expect(left.count >= 200)
        }
    }

    /// Each of them is of the same saga, so they wait for each other.
    @Test func copiesOfOneEventAreTrimmedWhereOneSlotWorks() async throws {
        try await ShopRig.with {
            $0.concurrency = 1
            $0.retention = .seconds(1)
            $0.housekeepingInterval = .milliseconds(50)
        } _: { rig in
            let stream = rig.keys.stream("OrderCreated", owner: "order")
            let event = CloudEvent(
                source: "/order", type: "OrderCreated", subject: "1", route: "saga",
                data: Array(#"{"card":"good","country":"DE","quantity":1}"#.utf8))
            for _ in 0..<200 {
                _ = try await rig.redis.send(.xadd(stream, ["data": .bytes(event.json())]))
            }

            try await rig.running { _ in
                // Redis gives whole nodes back, of a hundred entries at the most.
                try await rig.until("they are gone but for the last ones") {
                    try await rig.redis.send(.xlen(stream)).integer ?? 200 <= 100
                }
            }
            #expect(rig.saga.world.calls("charge") == 1)
        }
    }

    @Test func deadReplicasAreForgottenUnlessSomethingIsPending() async throws {
        try await ShopRig.with {
            $0.consumerExpiry = .zero
            $0.housekeepingInterval = .milliseconds(20)
        } _: { rig in
            let stream = rig.keys.stream("OrderCreated", owner: "order")
            let order = try rig.runtime(rig.saga.order)
            _ = try await order.begin("1", OrderCreated())
            _ = try await rig.redis.send(.xgroupCreate(stream, "payment"))
            _ = try await rig.redis.send(.xreadGroup("payment", "busy", keys: [stream]))
            _ = try await rig.redis.send(.xreadGroup("payment", "idle", keys: [stream]))

            try await rig.running([rig.saga.payment]) { _ in
                try await rig.until("the idle one is gone") {
                    let consumers = try await rig.redis.send(.xinfoConsumers(stream, "payment"))
                    return consumers.array?.contains { $0[1]?.string == "idle" } == false
                }
                let consumers = try await rig.redis.send(.xinfoConsumers(stream, "payment"))
                #expect(consumers.array?.contains { $0[1]?.string == "busy" } == true)
            }
        }
    }
}
