import CloudEvents
import OrderContracts
import OrderService
import Saga
import SagaRedis
import Testing
import TroupeRedis
import TroupeRedisTestKit

/// Events that come again, and events that nobody should have sent.
@Suite(.redisServer, .timeLimit(.minutes(2)))
struct OrderReplayTests {
    /// Every end that an order can come to, so that every event of all four services is there.
    @Test func everyEventDeliveredAgainChangesNothing() async throws {
        try await OrderSystem.run { system in
            try await bringToTheirEnds(system)
            let stored = StoredState(of: system)
            try await eventually("all is done") { try await stored.isDealtWith() }
            let before = try await stored.everything()
            let company = await (system.company.chargeCount, system.company.refundCount)
            let carrier = await (system.carrier.dispatchedPieces, system.carrier.cancelledCount)

            let delivered = try await stored.deliverAllAgain()
            try await eventually("all is done again") { try await stored.isDealtWith() }

            #expect(delivered.count == 16, "every type of event was delivered: \(delivered)")
            var expected = before
            let after = try await stored.everything()
            for (stream, count) in delivered {
                // Who is asked to do what is done says so again, by the same event.
                let isAnswer = Self.answers.contains { stream.hasSuffix($0) }
                let found = after[stream]?.first.flatMap { Int($0) } ?? 0
                let most = isAnswer ? 3 * count : 2 * count
                expected[stream] = ["\(min(max(found, 2 * count), most))"]
            }
            for key in Set(expected.keys).union(after.keys) {
                #expect(after[key] == expected[key], "\(key)")
            }
            #expect(await (system.company.chargeCount, system.company.refundCount) == company)
            #expect(
                await (system.carrier.dispatchedPieces, system.carrier.cancelledCount) == carrier)
            try await system.addsUp()
        }
    }

    private static let answers = [
        PaymentFailed.type, PaymentRefunded.type, ProductReservationFailed.type,
        ProductReleased.type, ProductShipped.type, ShippingFailed.type, ShipmentCancelled.type,
        ShipmentDispatched.type,
    ]

    private func bringToTheirEnds(_ system: OrderSystem) async throws {
        await system.carrier.gate.close()
        let cancelled = try await system.place()
        await system.carrier.gate.holdsSomebody()
        _ = try await system.orders.cancel(cancelled)
        await system.carrier.gate.open()
        _ = try await system.ended(cancelled)
        for request in [
            OrderRequest.order(quantity: 2), .order(country: "AQ"),
            .order(token: "tok_declined"), .order(product: "5", quantity: 6),
        ] {
            _ = try await system.ended(system.place(request))
        }
        try await system.addsUp()
    }

    @Test func eventsThatCannotBeReadStepAside() async throws {
        try await OrderSystem.run { system in
            let future = CloudEvent(
                source: "/order", type: "OrderCreated", subject: "x", dataVersion: 99,
                data: Array("{}".utf8))
            let incomplete = CloudEvent(
                source: "/order", type: "OrderCreated", subject: "y",
                data: Array(#"{"userId":"{1}","productId":"1"}"#.utf8))
            let texts: [[UInt8]] = [
                Array("not json".utf8), Array("{}".utf8), future.json(), incomplete.json(),
            ]
            for text in texts { try await put(text, into: system) }
            let id = try await system.place()

            #expect(try await system.ended(id).status == .completed)
            try await eventually("all four are dead letters") {
                try await system.deadLetters() == texts.count
            }
        }
    }

    private func put(_ text: [UInt8], into system: OrderSystem) async throws {
        let keys = SagaKeys(namespace: system.settings.saga.namespace)
        let stream = keys.stream("OrderCreated", owner: ServiceName.order)
        _ = try await system.redis.send(
            RedisCommand("XADD", [.string(stream), "*", "data", .bytes(text)]))
    }
}
