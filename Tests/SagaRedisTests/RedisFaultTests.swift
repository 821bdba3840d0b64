import Saga
import SagaTestKit
import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import SagaRedis

/// Redis answers, and refuses: nothing ends by it, and nothing is done twice.
@Suite(.timeLimit(.minutes(1)))
struct RedisFaultTests {
    /// The default of a new user: every key and command, and no channel.
    @Test func sagasWorkWithoutARightToPublishAndTheRuntimeSaysSo() async throws {
        let server = try await RedisServer.launch()
        try await ShopRig.with(server: server) { rig in
            try await access(rig, "resetchannels")
            try await rig.running { order in
                for number in 0..<20 {
                    let outcome = try await order.begin("\(number)", OrderCreated())
                    #expect(outcome == .applied)
                }
                for number in 0..<20 {
                    try await rig.settled("\(number)", order, as: .completed)
                }
                #expect(order.faults.contains { $0.contains("publish") })

                try await access(rig, "allchannels")
                _ = try await order.begin("heard", OrderCreated())
                try await rig.settled("heard", order, as: .completed)
                #expect(order.faults.isEmpty)
            }

            #expect(try await rig.events("OrderCreated", owner: "order").count == 21)
            #expect(rig.saga.world.calls("charge") == 21)
            #expect(
                try await rig.stock() == ["available": 1000 - 21, "reserved": 0, "shipped": 21])
            try await expectsNoLetters(rig)
        }
        await server.stop()
    }

    /// As of an access list that somebody mends at once.
    @Test func aRightThatIsMissingForAWhileEndsNothing() async throws {
        let server = try await RedisServer.launch()
        try await ShopRig.with(server: server) { rig in
            let order = try rig.runtime(rig.saga.order)
            for number in 0..<5 { _ = try await order.begin("\(number)", OrderCreated()) }
            try await access(rig, "-evalsha", "-eval")
            try await rig.running { order in
                try await rig.until("everybody is charged") {
                    rig.saga.world.done("charge").count == 5
                }
                await #expect(throws: SagaError.self) {
                    try await order.begin("refused", OrderCreated())
                }
                #expect(try await rig.ledger("payment", "0", "charge") == nil)
                try await access(rig, "+evalsha", "+eval")
                for number in 0..<5 {
                    try await rig.settled("\(number)", order, as: .completed)
                }
            }

            #expect(rig.saga.world.calls("charge") == 5)
            try await expectsNoLetters(rig)
        }
        await server.stop()
    }

    @Test(arguments: ["stream", "timers"])
    func aKeyOfAnotherTypeHoldsSagasUpUntilItIsGone(which: String) async throws {
        let server = try await RedisServer.launch()
        try await ShopRig.with(server: server) { rig in
            let key =
                which == "stream"
                ? rig.keys.stream("PaymentProcessed", owner: "payment") : rig.keys.timers("order")
            let order = try rig.runtime(rig.saga.order)
            if which == "stream" { _ = try await order.begin("1", OrderCreated()) }
            _ = try await rig.redis.send(RedisCommand("SET", [.string(key), "text"]))
            try await rig.running([rig.saga.payment]) { _ in
                if which == "stream" {
                    try await rig.until("it is charged") { rig.saga.world.calls("charge") == 1 }
                } else {
                    await #expect(throws: SagaError.self) {
                        try await order.begin("1", OrderCreated())
                    }
                    #expect(try await rig.ledger("order", "1", "lifecycle") == nil)
                }
                _ = try await rig.redis.send(.del([key]))
                if which == "timers" { _ = try await order.begin("1", OrderCreated()) }
                try await rig.until("it goes on") {
                    try await rig.ledger("payment", "1", "charge") == "done"
                }
            }

            #expect(try await rig.events("OrderCreated", owner: "order").count == 1)
            #expect(try await rig.events("PaymentProcessed", owner: "payment").count == 1)
            try await expectsNoLetters(rig)
        }
        await server.stop()
    }

    @Test func aFaultyStreamKeepsNobodyFromReadingTheOthersOfItsOwner() async throws {
        let server = try await RedisServer.launch()
        try await ShopRig.with(server: server) { rig in
            let key = rig.keys.stream("OrderCancellationRequested", owner: "order")
            _ = try await rig.redis.send(RedisCommand("SET", [.string(key), "text"]))
            try await rig.running { order in
                for number in 0..<20 {
                    _ = try await order.begin("\(number)", OrderCreated())
                    try await rig.settled("\(number)", order, as: .completed)
                }
                _ = try await rig.redis.send(.del([key]))
                _ = try await order.begin("lost", OrderCreated(country: "AQ"))
                try await rig.settled("lost", order, as: .cancelled)
            }
            try await expectsNoLetters(rig)
        }
        await server.stop()
    }

    /// Whatever is taken away in the middle of the work, a transition is applied whole or not.
    @Test(arguments: ["hset", "hincrby", "expire", "hdel", "xadd", "xdel", "zadd", "zrem"])
    func aRightThatIsMissingLeavesNothingHalfWritten(_ command: String) async throws {
        let server = try await RedisServer.launch()
        try await ShopRig.with(server: server) { rig in
            try await rig.running { order in
                try await access(rig, "-" + command)
                let isBegun = (try? await order.begin("1", OrderCreated())) != nil
                #expect(try await rig.events("OrderCreated", owner: "order").isEmpty != isBegun)
                try await access(rig, "+" + command)

                if !isBegun { _ = try await order.begin("1", OrderCreated()) }
                try await rig.settled("1", order, as: .completed)
            }
            #expect(rig.saga.world.calls("charge") == 1)
            try await expectsNoLetters(rig)
        }
        await server.stop()
    }

    /// What may not be known is asked about, and not waited for.
    @Test func whatNoRightLetsSeeIsNotTriedAgain() async throws {
        let server = try await RedisServer.launch()
        try await ShopRig.with(server: server) { rig in
            let debts = RedisDebts(
                redis: rig.redis, service: "order", names: rig.keys,
                ledgerTimeToLive: .seconds(1000), naming: SagaNaming([]))
            func isBlocked() async throws -> Bool {
                try await debts.isBlocked("1", on: "saga", at: "charge", of: "payment")
            }
            #expect(try await isBlocked() == false)

            try await access(rig, "-hmget", "-xinfo|groups")

            await #expect {
                _ = try await isBlocked()
            } throws: { error in
                (error as? SagaError)?.retry == .never
            }
            let look = ProgressLook(rig.redis)
            await #expect {
                _ = try await look.progress(of: "payment", in: rig.keys.stream("A", owner: "order"))
            } throws: { error in
                (error as? SagaError)?.retry == .never
            }
        }
        await server.stop()
    }

    /// Redis counts what is added and what is read.
    ///
    /// Where an entry went that nobody had read, the difference stays, and would say for ever that
    /// something is to come.
    @Test func whatWentUnreadIsNotToCome() async throws {
        let server = try await RedisServer.launch()
        try await ShopRig.with(server: server) { rig in
            let stream = rig.keys.stream("PaymentProcessed", owner: "payment")
            _ = try await rig.redis.send(.xgroupCreate(stream, "order", from: "0"))
            _ = try await rig.redis.send(.xadd(stream, ["data": "x"]))
            try await read(stream, rig)
            _ = try await rig.redis.send(.xtrim(stream, .newest(0, isExact: true)))
            _ = try await rig.redis.send(.xadd(stream, ["data": "x"]))
            _ = try await rig.redis.send(.xtrim(stream, .newest(0, isExact: true)))
            _ = try await rig.redis.send(.xadd(stream, ["data": "x"]))

            let behind = try await ProgressLook(rig.redis).progress(of: "order", in: stream)
            try await read(stream, rig)
            let end = try await ProgressLook(rig.redis).progress(of: "order", in: stream)
            let state = try await GroupState.all(of: stream, redis: rig.redis).first

            #expect(!behind.isAtEnd)
            #expect(state?.lag != 0, "this test shows nothing")
            #expect(end.isAtEnd)
            #expect(end.hasDealt(until: .max))
        }
        await server.stop()
    }

    private func read(_ stream: String, _ rig: ShopRig) async throws {
        let reply = try await rig.redis.send(
            RedisCommand("XREADGROUP", ["GROUP", "order", "a", "STREAMS", .string(stream), ">"]))
        #expect(reply[0]?[1]?.array?.isEmpty == false)
        let ids = reply[0]?[1]?.array?.compactMap { $0[0]?.string } ?? []
        _ = try await rig.redis.send(.xack(stream, "order", ids))
    }

    private func access(_ rig: ShopRig, _ rules: String...) async throws {
        _ = try await rig.redis.send(
            RedisCommand("ACL", ["SETUSER", "default"] + rules.map { .string($0) }))
    }

    private func expectsNoLetters(_ rig: ShopRig) async throws {
        for service in ["order", "payment", "inventory", "shipping"] {
            #expect(try await rig.deadLetters(service).isEmpty, "\(service)")
        }
    }
}
