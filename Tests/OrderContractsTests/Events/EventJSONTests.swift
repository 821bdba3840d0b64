import Foundation
import OrderContracts
import Saga
import Testing

/// The payloads' JSON is the contract: who changes it changes what stands in streams.
@Suite(.timeLimit(.minutes(1)))
struct EventJSONTests {
    private static let address = ShippingAddress(
        street: "Main St 1", city: "Utrecht", postcode: "3511", country: "NL")
    private static let addressJSON =
        #"{"city":"Utrecht","country":"NL","postcode":"3511","street":"Main St 1"}"#
    private static let euros = Money(amount: 2500, currency: "EUR")
    private static let user = UserID(wellFormed: "1")
    private static let product = ProductID(wellFormed: "7")

    @Test func orderEventsReadAsAgreed() throws {
        try expect(
            OrderCreated(
                userID: Self.user, productID: Self.product, quantity: 2, total: Self.euros,
                payment: PaymentMethod(token: "tok_visa"), shipping: Self.address),
            #"{"payment":{"method":"card","token":"tok_visa"},"productId":"7","quantity":2,"#
                + #""shipping":\#(Self.addressJSON),"#
                + #""total":{"amount":2500,"currency":"EUR"},"userId":"1"}"#)
        try expect(
            OrderCompleted(userID: Self.user, productID: Self.product, quantity: 2),
            #"{"productId":"7","quantity":2,"userId":"1"}"#)
        try expect(
            OrderCancellationRequested(reason: "requested_by_client", detail: "d"),
            #"{"detail":"d","reason":"requested_by_client"}"#)
        try expect(
            OrderCancelled(reason: "out_of_stock", detail: "d"),
            #"{"detail":"d","reason":"out_of_stock"}"#)
    }

    @Test func paymentEventsReadAsAgreed() throws {
        try expect(
            PaymentProcessed(
                chargeID: "ch_1", amount: Self.euros, userID: Self.user, productID: Self.product,
                quantity: 2, shipping: Self.address),
            #"{"amount":{"amount":2500,"currency":"EUR"},"chargeId":"ch_1","productId":"7","#
                + #""quantity":2,"shipping":\#(Self.addressJSON),"userId":"1"}"#)
        try expect(
            PaymentFailed(reason: "card_declined", detail: "d"),
            #"{"detail":"d","reason":"card_declined"}"#)
        try expect(
            PaymentRefunded(amount: Self.euros),
            #"{"amount":{"amount":2500,"currency":"EUR"}}"#)
        try expect(PaymentRefunded(amount: nil), "{}")
    }

    @Test func inventoryEventsReadAsAgreed() throws {
        try expect(
            ProductReserved(
                userID: Self.user, productID: Self.product, quantity: 2, shipping: Self.address),
            #"{"productId":"7","quantity":2,"shipping":\#(Self.addressJSON),"userId":"1"}"#)
        try expect(
            ProductReservationFailed(reason: "out_of_stock", detail: "d"),
            #"{"detail":"d","reason":"out_of_stock"}"#)
        try expect(
            ProductReleased(productID: Self.product, quantity: 2),
            #"{"productId":"7","quantity":2}"#)
        try expect(ProductReleased(productID: nil, quantity: 0), #"{"quantity":0}"#)
    }

    @Test func shippingEventsReadAsAgreed() throws {
        try expect(
            ShipmentArranged(
                shipmentID: "sh_1", trackingNumber: "T", userID: Self.user,
                productID: Self.product, quantity: 2),
            #"{"productId":"7","quantity":2,"shipmentId":"sh_1","trackingNumber":"T","userId":"1"}"#
        )
        try expect(
            ShippingFailed(reason: "country_not_served", detail: "d"),
            #"{"detail":"d","reason":"country_not_served"}"#)
        try expect(ShipmentCancelled(wasArranged: true), #"{"wasArranged":true}"#)
        try expect(ShipmentDispatched(dispatchID: "di_1"), #"{"dispatchId":"di_1"}"#)
    }

    @Test func malformedIDsDoNotDecode() {
        let json = #"{"productId":"{7}","quantity":2,"userId":"1"}"#
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(OrderCompleted.self, from: Data(json.utf8))
        }
    }

    @Test func everyEventBearsItsOwnersName() {
        let owners = [
            OrderCreated.owner, PaymentProcessed.owner, ProductReserved.owner,
            ShipmentArranged.owner,
        ]
        #expect(owners == ["order", "payment", "inventory", "shipping"])
        #expect(ProductReservationFailed.type == "ProductReservationFailed")
    }

    private func expect<Event: SagaEvent & Equatable>(
        _ event: Event, _ json: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let written = String(decoding: try encoder.encode(event), as: UTF8.self)
        #expect(written == json, sourceLocation: sourceLocation)
        let read = try JSONDecoder().decode(Event.self, from: Data(json.utf8))
        #expect(read == event, sourceLocation: sourceLocation)
    }
}
