import CloudEvents
import NIOCore
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
            await system.payment.crash()
            #expect(try await system.orders.cancel(cancelling).status == .cancelling)
            await system.inventory.crash()
            await system.order.crash()
            let charges = await system.company.chargeCallCount

            try await before.make([completed, pending, cancelling])
            for order in [completed, pending, cancelling] {
                await system.company.move(
                    before.newKey(order, "payment", "charge"), to: "\(order.text):charge")
            }
            try await system.order.start()
            try await system.payment.start()
            try await system.inventory.start()
            try await system.shipping.start()

            #expect(try await system.ended(pending).status == .completed)
            #expect(try await system.ended(cancelling).status == .cancelled)
            #expect(try await system.orders.order(completed).status == .completed)
            try await system.addsUp()
            #expect(await system.company.chargeCallCount == charges, "nobody is charged again")
            #expect(await system.company.refundCount == 1)
            let returned = try await system.company.entry(under: "\(cancelling.text):charge")
            #expect(returned?.standing == .undone)
            let parcel = try await system.carrier.entry(under: "\(pending.text):arrange")
            #expect(parcel?.standing == .final, "what began under old keys goes on under them")
            for part in StoreOfBefore.parts {
                #expect(try await before.letterCount(of: part) == 0, "\(part)")
                #expect(try await before.born(part) == "0 1", "\(part)")
                try await eventually("\(part) has heard of the end") {
                    try await before.ledger(pending, of: part, "end") == "completed"
                }
            }
        }
    }
}

/// Puts what stands in Redis into the form in which the version before would have left it: every
/// ledger with a time to live and without an end, nobody who hears of ends, no names of consumers,
/// nothing of when it all came to be, and no routes: neither in events nor in keys or ledgers.
private struct StoreOfBefore {
    static let parts = ["order", "payment", "inventory", "shipping"]

    private static let groups: [(owner: String, type: String, groups: [String])] = [
        ("order", OrderCompleted.type, ["payment"]),
        ("order", OrderCancelled.type, ["payment", "inventory", "shipping"]),
        ("shipping", ShipmentDispatched.type, ["order"]),
    ]

    private let redis: RedisClient
    private let namespace: String
    private let keys: SagaKeys

    init(_ system: OrderSystem) {
        redis = system.redis
        namespace = system.settings.saga.namespace
        keys = SagaKeys(namespace: system.settings.saga.namespace)
    }

    func make(_ orders: [OrderID]) async throws {
        for part in Self.parts {
            for order in orders {
                let ledger = RedisArgument.string(keys.ledger(order.text, service: part))
                try await run("HDEL", ledger, "end", .string(KeyForm.field))
                try await run("EXPIRE", ledger, 2_592_000)
            }
            try await run("DEL", .string(keys.declared(part)), .string(keys.born(part)))
        }
        for order in orders { try await forgetRoute(inLedgerOf: order) }
        for (owner, type, groups) in Self.groups {
            for group in groups {
                try await run(
                    "XGROUP", "DESTROY", .string(keys.stream(type, owner: owner)), .string(group))
                try await run(
                    "HDEL", .string(keys.cursor(group)), .string(keys.stream(type, owner: owner)))
            }
        }
        try await run("DEL", .string(keys.stream(ProductShipped.type, owner: "inventory")))
        for stream in try await streams() { try await forgetRoutes(in: stream) }
    }

    /// With which route a pending order began was not noted.
    private func forgetRoute(inLedgerOf order: OrderID) async throws {
        guard let text = try await ledger(order, of: "order", "lifecycle") else { return }
        let life = LedgerEntry(text)
        guard life.state.hasPrefix("pending") else { return }
        try await run(
            "HSET", .string(keys.ledger(order.text, service: "order")), "lifecycle",
            .string("\(life.state) \(life.eventID)"))
    }

    private func streams() async throws -> [String] {
        let pattern = RedisArgument.string(keys.stream("*", owner: "*"))
        let all = try await redis.send(RedisCommand("KEYS", [pattern]))
        var streams: [String] = []
        for name in try all.strings().compactMap({ $0 }) {
            let type = try await redis.send(RedisCommand("TYPE", [.string(name)])).string
            if type == "stream" { streams.append(name) }
        }
        return streams
    }

    /// Writes a stream anew, under the same IDs, with its groups and what they have pending.
    private func forgetRoutes(in name: String) async throws {
        let stream = RedisArgument.string(name)
        let entries = try await redis.send(.xrange(name)).streamEntries()
        guard !entries.isEmpty else { return }
        let groups = try await redis.send(RedisCommand("XINFO", ["GROUPS", stream])).requireArray()
        var pending: [[RedisArgument]] = []
        var positions: [(group: String, last: RedisArgument)] = []
        for group in groups {
            let facts = try group.requireArray()
            func fact(_ name: String) throws -> String {
                let index = try #require(facts.firstIndex { $0.string == name })
                return try facts[index + 1].requireString()
            }
            let name = try fact("name")
            positions.append((name, .string(try fact("last-delivered-id"))))
            let held = try await redis.send(
                RedisCommand("XPENDING", [stream, .string(name), "-", "+", 1_000]))
            for one in try held.requireArray() {
                let (id, consumer) = (try one[0]?.requireString(), try one[1]?.requireString())
                pending.append([
                    stream, .string(name), .string(consumer ?? ""), 0, .string(id ?? ""),
                    "FORCE", "JUSTID",
                ])
            }
        }
        try await run("DEL", stream)
        for entry in entries {
            var words: [RedisArgument] = [stream, .string(entry.id)]
            for (field, value) in entry.fields {
                let isEvent = field == "data"
                words += [.string(field), .buffer(isEvent ? try withoutRoute(value) : value)]
            }
            _ = try await redis.send(RedisCommand("XADD", words))
        }
        for (group, last) in positions {
            try await run("XGROUP", "CREATE", stream, .string(group), last)
            // Noted every few seconds.
            try await run("HSET", .string(keys.cursor(group)), stream, last)
        }
        for words in pending { _ = try await redis.send(RedisCommand("XCLAIM", words)) }
    }

    private func withoutRoute(_ data: ByteBuffer) throws -> ByteBuffer {
        guard var event = try? CloudEvent(json: Array(data.readableBytesView)) else { return data }
        event.route = nil
        return ByteBuffer(bytes: event.json())
    }

    /// The key under which this version has a step of an order done.
    func newKey(_ order: OrderID, _ part: String, _ step: String) -> String {
        IdempotencyKeys(namespace: namespace, route: Route.order.name, form: .named)
            .doKey(order.text, part, step)
    }

    /// When a service's data came to be, and in which layout.
    func born(_ part: String) async throws -> String? {
        try await redis.send(.get(keys.born(part))).string
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
