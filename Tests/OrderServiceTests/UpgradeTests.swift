import OrderContracts
import OrderService
import Saga
import SagaRedis
import Testing
import TroupeRedis
import TroupeRedisTestKit

/// A store that the version before has left is taken over, with orders in flight.
@Suite(.redisServer, .timeLimit(.minutes(2)))
struct UpgradeTests {
    @Test func ordersThatBeganWithTheVersionBeforeEnd() async throws {
        try await OrderSystem.run { system in
            let completed = try await system.place()
            _ = try await system.ended(completed)
            try await system.addsUp()
            await system.shipping.crash()
            let pending = try await system.place()
            let cancelling = try await system.place(.order(quantity: 2))
            let before = StoreOfBefore(system)
            for order in [pending, cancelling] {
                try await eventually("the goods are set aside") {
                    try await before.ledger(order, of: "inventory", "reserve") != nil
                }
            }
            #expect(try await system.desk.cancel(cancelling).status == .cancelling)
            await system.inventory.crash()
            await system.payment.crash()
            await system.order.crash()
            let charges = await system.company.chargeCount

            try await before.make([completed, pending, cancelling])
            try await system.order.start()
            try await system.payment.start()
            try await system.inventory.start()
            try await system.shipping.start()

            #expect(try await system.ended(pending).status == .completed)
            #expect(try await system.ended(cancelling).status == .cancelled)
            #expect(try await system.desk.order(completed).status == .completed)
            try await system.addsUp()
            #expect(await system.company.chargeCount == charges, "nobody is charged again")
            for part in StoreOfBefore.parts {
                #expect(try await before.letterCount(of: part) == 0, "\(part)")
                try await eventually("\(part) has heard of the end") {
                    try await before.ledger(pending, of: part, "end") == "completed"
                }
            }
        }
    }
}

/// Puts what stands in Redis into the form in which the version before would have left it: every
/// ledger with a time to live and without an end, nobody who hears of ends, no names of consumers.
private struct StoreOfBefore {
    static let parts = ["order", "payment", "inventory", "shipping"]

    private static let groups: [(owner: String, type: String, groups: [String])] = [
        ("order", OrderCompleted.type, ["payment"]),
        ("order", OrderCancelled.type, ["payment", "inventory", "shipping"]),
        ("shipping", ShipmentDispatched.type, ["order"]),
    ]

    private let redis: RedisClient
    private let keys: SagaKeys

    init(_ system: OrderSystem) {
        redis = system.redis
        keys = SagaKeys(namespace: system.settings.saga.namespace)
    }

    func make(_ orders: [OrderID]) async throws {
        for part in Self.parts {
            for order in orders {
                let ledger = RedisArgument.string(keys.ledger(order.text, service: part))
                try await run("HDEL", ledger, "end")
                try await run("EXPIRE", ledger, 2_592_000)
            }
            try await run("DEL", .string(keys.declared(part)))
        }
        for (owner, type, groups) in Self.groups {
            for group in groups {
                try await run(
                    "XGROUP", "DESTROY", .string(keys.stream(type, owner: owner)), .string(group))
                try await run(
                    "HDEL", .string(keys.cursor(group)), .string(keys.stream(type, owner: owner)))
            }
        }
        try await run("DEL", .string(keys.stream(ProductShipped.type, owner: "inventory")))
    }

    func ledger(
        _ order: OrderID, of part: String, _ field: RedisArgument
    ) async throws -> String? {
        let ledger = RedisArgument.string(keys.ledger(order.text, service: part))
        return try await redis.send(RedisCommand("HGET", [ledger, field])).string
    }

    func letterCount(of part: String) async throws -> Int? {
        try await redis.send(RedisCommand("XLEN", [.string(keys.dead(part))])).integer
    }

    private func run(_ name: StaticString, _ words: RedisArgument...) async throws {
        _ = try await redis.send(RedisCommand("\(name)", words))
    }
}
