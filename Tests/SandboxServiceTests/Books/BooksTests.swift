import ServiceHTTP
import Testing
import Timekeeping

@testable import SandboxService

@Suite(.timeLimit(.minutes(1)))
struct BooksTests {
    /// Books that are written to as the server does.
    struct Client {
        var books = Books()

        /// The status that was answered, or the code of the refusal.
        mutating func ask(_ request: SandboxRequest, _ key: String) -> String {
            switch books.decide(request, key: key, time: Timestamp(milliseconds: 0)) {
            case .write(let entry):
                books.apply(entry)
                return entry.status.rawValue
            case .repeated(let entry): return "again " + entry.status.rawValue
            case .refuse(let problem): return problem.code
            }
        }
    }

    static func charge(_ token: CardToken, _ amount: Int = 500) -> SandboxRequest {
        .charge(amount: amount, currency: "EUR", token: token, reference: "42")
    }

    static func refund(_ key: String) -> SandboxRequest { .refund(chargeKey: key, reason: "undo") }

    static func shipment(_ country: String = "DE") -> SandboxRequest {
        .shipment(
            ParcelRequest(
                reference: "42", productID: "1", quantity: 2,
                address: .init(street: "S 1", city: "C", postcode: "1", country: country)))
    }

    private var client = Client()

    @Test(arguments: [
        (CardToken.visa, "succeeded"), (.declined, "card_declined"),
        (.insufficientFunds, "insufficient_funds"), (.timeout, "succeeded"),
    ])
    func theTokenDecides(token: CardToken, answer: String) {
        var client = client
        #expect(client.ask(Self.charge(token), "k") == answer)
        #expect(client.ask(Self.charge(token), "k") == "again " + answer)
        #expect(client.books.entries.count == 1)
    }

    @Test func aFlakyCardWorksAtTheThirdTryOfEachKey() {
        var client = client
        for key in ["a", "b"] {
            #expect(client.ask(Self.charge(.flaky), key) == "unavailable")
            #expect(client.ask(Self.charge(.flaky), key) == "unavailable")
            #expect(client.ask(Self.charge(.flaky), key) == "succeeded")
            #expect(client.ask(Self.charge(.flaky), key) == "again succeeded")
        }
        #expect(client.books.tally.money == ["EUR": .init(charged: 1000)])
    }

    @Test func theSameKeyWithAnotherBodyIsRefused() {
        var client = client
        #expect(client.ask(Self.charge(.visa, 500), "k") == "succeeded")
        #expect(client.ask(Self.charge(.visa, 501), "k") == "idempotency_key_reused")
        #expect(client.ask(Self.charge(.declined, 500), "k") == "idempotency_key_reused")
        #expect(client.ask(Self.shipment(), "k") == "arranged", "each kind has keys of its own")
    }

    @Test func aChargeIsRefundedOnce() {
        var client = client
        _ = client.ask(Self.charge(.visa), "c")
        #expect(client.ask(Self.refund("c"), "r1") == "refunded")
        #expect(client.ask(Self.refund("c"), "r1") == "again refunded")
        #expect(client.ask(Self.refund("c"), "r2") == "nothing_to_refund")
        #expect(client.ask(Self.charge(.visa), "c") == "charge_voided", "its undo was seen")
        #expect(client.books.tally.money == ["EUR": .init(charged: 500, refunded: 500)])
        #expect(client.books.tally.money["EUR"]?.net == 0)
    }

    @Test func aRefundThatComesFirstVoidsTheCharge() {
        var client = client
        #expect(client.ask(Self.refund("c"), "r") == "nothing_to_refund")
        #expect(client.ask(Self.charge(.visa), "c") == "charge_voided")
        #expect(client.ask(Self.charge(.flaky), "c") == "charge_voided")
        #expect(client.ask(Self.refund("c"), "r") == "again nothing_to_refund")
        #expect(client.books.tally.money == [:])
    }

    @Test func aDeclinedChargeHasNothingToRefund() {
        var client = client
        _ = client.ask(Self.charge(.declined), "c")
        #expect(client.ask(Self.refund("c"), "r") == "nothing_to_refund")
        #expect(client.ask(Self.charge(.declined), "c") == "charge_voided")
    }

    @Test func aShipmentIsCancelledOnceAndThenStays() {
        var client = client
        #expect(client.ask(Self.shipment(), "s") == "arranged")
        #expect(client.books.tally.shipments == [.arranged: 1])
        #expect(client.ask(.cancellation(shipmentKey: "s"), "c1") == "cancelled")
        #expect(client.ask(.cancellation(shipmentKey: "s"), "c2") == "nothing_to_cancel")
        #expect(client.ask(.dispatch(shipmentKey: "s"), "d") == "shipment_cancelled")
        #expect(client.ask(Self.shipment(), "s") == "shipment_voided", "its undo was seen")
        #expect(client.books.tally.shipments == [.cancelled: 1])
    }

    @Test func aDispatchedShipmentCannotBeCancelled() {
        var client = client
        _ = client.ask(Self.shipment(), "s")
        #expect(client.ask(.dispatch(shipmentKey: "s"), "d1") == "dispatched")
        #expect(client.ask(.dispatch(shipmentKey: "s"), "d2") == "dispatched")
        #expect(client.ask(.cancellation(shipmentKey: "s"), "c") == "already_dispatched")
        #expect(client.books.tally.shipments == [.dispatched: 1])
    }

    @Test func aCancellationThatComesFirstVoidsTheShipment() {
        var client = client
        #expect(client.ask(.cancellation(shipmentKey: "s"), "c") == "nothing_to_cancel")
        #expect(client.ask(Self.shipment(), "s") == "shipment_voided")
        #expect(client.ask(.dispatch(shipmentKey: "s"), "d") == "shipment_unknown")
        #expect(client.books.tally.shipments == [:])
    }

    @Test func nobodyShipsToAntarctica() {
        var client = client
        #expect(client.ask(Self.shipment("AQ"), "s") == "country_not_served")
        #expect(client.ask(.dispatch(shipmentKey: "s"), "d") == "shipment_unknown")
        #expect(client.ask(.cancellation(shipmentKey: "s"), "c") == "nothing_to_cancel")
    }

    /// Whatever is asked in whatever order, money and parcels are never moved twice, and books
    /// read back from their lines are the same books.
    @Test func everyOrderOfRequestsKeepsTheBooksSound() throws {
        var random = SystemRandomNumberGenerator()
        let keys = ["a", "b"]
        for _ in 0..<500 {
            var client = Client()
            for _ in 0..<20 {
                let about = keys.randomElement(using: &random) ?? "a"
                let requests = [
                    Self.charge(.visa), Self.charge(.flaky), Self.refund(about), Self.shipment(),
                    .cancellation(shipmentKey: about), .dispatch(shipmentKey: about),
                ]
                let request = requests.randomElement(using: &random) ?? requests[0]
                _ = client.ask(request, keys.randomElement(using: &random) ?? "a")
            }

            let turnover = client.books.tally.money["EUR"] ?? Tally.Turnover()
            #expect(turnover.net >= 0 && turnover.charged <= 1000)
            #expect(client.books.tally.shipments.values.reduce(0, +) <= 2)

            var again = Books()
            for entry in client.books.entries {
                again.apply(try #require(BookEntry(line: entry.line().dropLast())))
            }
            #expect(again.entries == client.books.entries)
            #expect(again.tally == client.books.tally)
        }
    }
}
