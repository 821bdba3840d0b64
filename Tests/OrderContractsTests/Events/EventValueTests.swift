import OrderContracts
import Saga
import Testing

/// A number that makes no sense is found where the event is read.
@Suite(.timeLimit(.minutes(1)))
struct EventValueTests {
    private static let extremes = [
        "-9223372036854775808", "-9223372036854775807", "-2147483648", "-1", "-0", "0",
        "1000000001", "2147483648", "9223372036854775807", "9223372036854775808", "1e3", "1.5",
        "1e400", "\"1\"", "null", "true", "[]", "{}", "NaN", "",
    ]

    @Test(arguments: extremes)
    func noEventIsReadWithANumberOfPiecesThatMakesNoSense(_ quantity: String) {
        // What is a whole number within its range may be written as it likes.
        let isSense = quantity == "1e3"
        let json = Self.json(quantity: quantity)

        #expect(Self.reads(OrderCreated.self, json) == isSense)
        #expect(Self.reads(OrderCompleted.self, json) == isSense)
        #expect(Self.reads(PaymentProcessed.self, json) == isSense)
        #expect(Self.reads(ProductReserved.self, json) == isSense)
        #expect(Self.reads(ShipmentArranged.self, json) == isSense)
        let isNothing = quantity == "0" || quantity == "-0"
        #expect(Self.reads(ProductReleased.self, json) == (isSense || isNothing))
    }

    @Test(arguments: ["1", "2", "10000", "1000000000"])
    func everyNumberOfPiecesThatCanBeOrderedIsRead(_ quantity: String) {
        let json = Self.json(quantity: quantity)

        #expect(Self.reads(OrderCreated.self, json) && Self.reads(OrderCompleted.self, json))
        #expect(Self.reads(PaymentProcessed.self, json) && Self.reads(ProductReserved.self, json))
        #expect(Self.reads(ShipmentArranged.self, json) && Self.reads(ProductReleased.self, json))
    }

    @Test(arguments: [
        (#"{"amount":-1,"currency":"EUR"}"#, false),
        (#"{"amount":-9223372036854775808,"currency":"EUR"}"#, false),
        (#"{"amount":9223372036854775808,"currency":"EUR"}"#, false),
        (#"{"amount":1,"currency":"eur"}"#, false), (#"{"amount":1,"currency":""}"#, false),
        (#"{"amount":1,"currency":"EURO"}"#, false), (#"{"amount":1}"#, false),
        (#"{"amount":0,"currency":"EUR"}"#, true),
        (#"{"amount":9223372036854775807,"currency":"JPY"}"#, true),
    ])
    func noEventIsReadWithAnAmountThatMakesNoSense(_ money: String, _ isSense: Bool) {
        let json = Self.json(quantity: "1", money: money)

        #expect(Self.reads(OrderCreated.self, json) == isSense)
        #expect(Self.reads(PaymentProcessed.self, json) == isSense)
        #expect(Self.reads(PaymentRefunded.self, json) == isSense)
        #expect(Self.reads(PaymentRefunded.self, "{}"), "nothing was charged")
    }

    /// With the members of all events that have numbers.
    private static func json(
        quantity: String, money: String = #"{"amount":1,"currency":"EUR"}"#
    ) -> String {
        let address = #"{"city":"c","country":"NL","postcode":"3511","street":"s"}"#
        return #"{"userId":"1","productId":"7","quantity":\#(quantity),"total":\#(money),"#
            + #""amount":\#(money),"payment":{"method":"card","token":"t"},"chargeId":"ch","#
            + #""shipping":\#(address),"shipmentId":"sh","trackingNumber":"t"}"#
    }

    private static func reads<Event: SagaEvent>(_ type: Event.Type, _ json: String) -> Bool {
        (try? EventPayload.decode(type, from: Array(json.utf8))) != nil
    }
}
