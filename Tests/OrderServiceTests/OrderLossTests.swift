import CloudEvents
import NIOCore
import OrderContracts
import OrderService
import PaymentService
import Saga
import SagaRedis
import Testing
import Timekeeping
import TroupeRedis
import TroupeRedisTestKit

/// What Redis has forgotten: nobody is charged twice for it, and nobody refunded who got his goods.
@Suite(.redisServer, .timeLimit(.minutes(3)))
struct OrderLossTests {
    private func run(_ body: (OrderSystem) async throws -> Void) async throws {
        try await OrderSystem.run {
            $0.saga.reconciliationInterval = .milliseconds(100)
            $0.saga.reconciliationGrace = .milliseconds(1)
        } _: {
            try await body($0)
        }
    }

    private func key(_ saga: String, of system: OrderSystem) -> String {
        "\(system.settings.saga.namespace):order:\(saga):payment:charge"
    }

    @Test func aChargeThatNobodyKnowsIsRefundedOnceItsOwnerWasAsked() async throws {
        try await run { system in
            let saga = UUIDv7.next()
            await system.company.charge(unknown: key(saga, of: system))

            try await eventually("it is refunded") { await system.company.net == 0 }

            let keys = SagaKeys(namespace: system.settings.saga.namespace)
            let ledger = try await system.redis.send(
                RedisCommand("HGETALL", [.string(keys.ledger(saga, service: "order"))])
            ).fields()
            #expect(ledger["lifecycle"].map { String(buffer: $0) }?.hasPrefix("cancelled") == true)
            let questions = try await system.redis.send(
                .xrange(
                    keys.stream(PaymentUnclaimed.type, owner: "payment"), from: "-", count: 10)
            ).streamEntries()
            #expect(!questions.isEmpty)
            #expect(try await system.deadLetters() == 0)
        }
    }

    @Test func aChargeFromBeforeTheDataIsShownAndStays() async throws {
        try await run { system in
            let old = SystemTime.milliseconds() - 3_600_000
            await system.company.charge(unknown: key(UUIDv7.next(), of: system), made: old)
            // Another system's is none of ours, and one of ours that is younger is dealt with.
            await system.company.charge(unknown: "other:order:1:payment:charge")
            await system.company.charge(unknown: key(UUIDv7.next(), of: system))

            try await eventually("the one that is ours is refunded") {
                await system.company.refundCount == 1
            }

            #expect(await system.company.net == 200)
            let found = try await system.payment.current.reconcile(acts: false).findings
            #expect(found.map(\.needsAPerson) == [true])
            #expect(found.map(\.entry.made) == [old])
        }
    }

    @Test func whatAPendingOrderWaitsForStays() async throws {
        try await run { system in
            await system.carrier.gate.close()
            let id = try await system.place()
            await system.carrier.gate.holdsSomebody()
            let keys = SagaKeys(namespace: system.settings.saga.namespace)
            // Payments alone forgets, as on a Redis of its own.
            _ = try await system.redis.send(
                .del([keys.ledger(id.text, service: "payment")]))
            try await eventually("the owner is asked") {
                let stream = keys.stream(PaymentUnclaimed.type, owner: "payment")
                return try await system.redis.send(RedisCommand("XLEN", [.string(stream)]))
                    .integer ?? 0 > 0
            }
            await system.carrier.gate.open()

            #expect(try await system.ended(id).status == .completed)
            #expect(await system.company.refundCount == 0)
        }
    }

    @Test func anEventOlderThanLedgersAreKeptChargesNobody() async throws {
        try await run { system in
            let month: Int64 = 31 * 86_400_000
            let event = CloudEvent(
                source: "/order", type: OrderCreated.type, subject: UUIDv7.next(),
                time: SystemTime.milliseconds() - month, coordination: "choreography",
                route: "order",
                data: Array(
                    """
                    {"userId":"1","productId":"1","quantity":1,\
                    "total":{"amount":1,"currency":"EUR"},\
                    "payment":{"method":"card","token":"tok_visa"},\
                    "shipping":{"street":"s","city":"c","postcode":"10115","country":"DE"}}
                    """.utf8))
            let keys = SagaKeys(namespace: system.settings.saga.namespace)
            _ = try await system.redis.send(
                RedisCommand(
                    "XADD",
                    [
                        .string(keys.stream(OrderCreated.type, owner: "order")), "*", "data",
                        .bytes(event.json()),
                    ]))

            try await eventually("it is set aside") { try await system.letters("too_old") == 1 }
            #expect(await system.company.chargeCount == 0)
        }
    }

    @Test func moreUndosThanCanBeRightStopIt() async throws {
        try await run { system in
            for _ in 0..<25 {
                await system.company.charge(unknown: key(UUIDv7.next(), of: system))
            }

            try await eventually("as many as may be are refunded") {
                await system.company.refundCount == 20
            }
            try await eventually("the others are shown") {
                try await system.payment.current.reconcile(acts: false).findings.count == 5
            }
            #expect(await system.company.refundCount == 20)
        }
    }

    /// As when Redis has lost that an order was cancelled, and completes it.
    @Test func aChargeThatWasReturnedBehindACompletedOrderIsShown() async throws {
        try await run { system in
            let id = try await system.place()
            _ = try await system.ended(id)
            #expect(try await system.payment.current.reconcile(acts: false).findings.isEmpty)

            _ = try await system.company.refund(chargeKey: key(id.text, of: system), key: "r")

            let found = try await system.payment.current.reconcile(acts: false).findings
            #expect(found.map(\.sagaID) == [id.text])
            #expect(found.first?.advice.contains("undone it") == true)
        }
    }

    /// An order whose last second Redis lost, and that went through within it.
    @Test func nobodyIsRefundedWhoseGoodsHaveLeftAlthoughHisOrderIsForgotten() async throws {
        try await run { system in
            let id = try await system.place()
            _ = try await system.ended(id)
            try await system.addsUp()
            let keys = SagaKeys(namespace: system.settings.saga.namespace)
            let net = await system.company.net
            _ = try await system.redis.send(
                .del(
                    ["order", "payment", "inventory", "shipping"].map {
                        keys.ledger(id.text, service: $0)
                    }))

            try await eventually("the owner is told that its goods have left") {
                let ledger = try await system.redis.send(
                    RedisCommand("HGETALL", [.string(keys.ledger(id.text, service: "order"))])
                ).fields()
                return ledger["lifecycle"].map { String(buffer: $0) }?.hasPrefix("completed")
                    == true
            }
            try await eventually("it was asked often enough to be cancelled") {
                let stream = keys.stream(PaymentUnclaimed.type, owner: "payment")
                return try await system.redis.send(RedisCommand("XLEN", [.string(stream)]))
                    .integer ?? 0 > 3
            }

            #expect(await system.company.net == net && net > 0)
            #expect(await system.company.refundCount == 0)
        }
    }
}
