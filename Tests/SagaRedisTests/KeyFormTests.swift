import CloudEvents
import Saga
import SagaRedis
import SagaTestKit
import Testing
import TroupeRedis
import TroupeRedisTestKit

/// A key names the whole of what is done, and a saga keeps the form of keys that it began with.
@Suite(.redisServer, .timeLimit(.minutes(1)))
struct KeyFormTests {
    @Test func keysNameSystemRouteSagaParticipantAndStep() {
        let named = IdempotencyKeys(namespace: "", route: "order", form: .named)
        let space = IdempotencyKeys(namespace: "eu:1", route: "order", form: .named)
        let old = IdempotencyKeys(namespace: "eu", route: "order", form: .sagaAndStep)

        #expect(named.doKey("42", "payment", "charge") == "troupe:order:42:payment:charge")
        #expect(
            named.key("42", "payment", "charge", for: "refund")
                == "troupe:order:42:payment:charge:refund")
        #expect(space.doKey("a:b", "p", "s") == "eu%3A1:order:a%3Ab:p:s")
        #expect(old.doKey("42", "payment", "charge") == "42:charge")
        #expect(old.key("42", "payment", "charge", for: "refund") == "42:refund")
    }

    @Test func theLedgerNotesTheFormAndTheUndoKeepsIt() async throws {
        try await ShopRig.with { rig in
            let key = rig.key("1", "payment", "charge")
            try await rig.running { order in
                _ = try await order.begin("1", OrderCreated(country: "AQ"))
                try await rig.settled("1", order, as: .cancelled)
            }

            #expect(rig.saga.world.wasUndone("charge", key))
            #expect(try await rig.ledger("payment", "1", "form") == "2")
            let events = try await rig.events("PaymentProcessed", owner: "payment")
            #expect(events.first?.route == "saga")
        }
    }

    /// As its event was written by the version before.
    @Test func aSagaThatBeganWithTheOldFormKeepsIt() async throws {
        try await ShopRig.with { rig in
            let event = CloudEvent(
                source: "/order", type: "OrderCreated", subject: "1",
                data: Array(#"{"card":"good","country":"AQ","quantity":1}"#.utf8))
            let stream = rig.keys.stream("OrderCreated", owner: "order")
            try await rig.running { _ in
                _ = try await rig.redis.send(.xadd(stream, ["data": .bytes(event.json())]))
                try await rig.until("it is undone") {
                    try await rig.ledger("payment", "1", "charge") == "compensated"
                }
            }

            #expect(rig.saga.world.wasUndone("charge", "1:charge"))
            #expect(rig.saga.world.calls("charge") == 1)
            #expect(try await rig.ledger("payment", "1", "form") == nil)
            let events = try await rig.events("PaymentProcessed", owner: "payment")
            #expect(events.count == 1 && events.first?.route == nil)
        }
    }
}
