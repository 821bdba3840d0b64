import EventStreams
import Testing

@Suite(.timeLimit(.minutes(1)))
struct EventStreamKeysTests {
    @Test func streamsAndChannelsFollowTheNamespace() {
        let plain = EventStreamKeys()
        let named = EventStreamKeys(namespace: "n")

        #expect(plain.channelPattern == "saga.*")
        #expect(named.channel("OrderCreated") == "n:saga.OrderCreated")
        #expect(named.stream("OrderCreated", owner: "order") == "n:saga:{order}:OrderCreated")
        #expect(plain.declared("order") == "saga:{order}:declared")
        #expect(plain.isEventStream("saga:{payment}:PaymentProcessed"))
        #expect(named.isEventStream("n:saga:{payment}:PaymentProcessed"))
        #expect(!plain.isEventStream("n:saga:{payment}:PaymentProcessed"))
        #expect(!plain.isEventStream("saga:{payment}:dead"))
        #expect(!plain.isEventStream("saga:{payment}:ledger:42"))
    }

    @Test(arguments: [
        ("OrderCreated", true), ("O2", true), ("orderCreated", false), ("", false),
        ("Order-Created", false), ("Ördner", false),
    ])
    func aTypeBeginsWithACapitalLetter(_ text: String, _ isType: Bool) {
        #expect(EventStreamKeys.isType(text) == isType)
    }
}
