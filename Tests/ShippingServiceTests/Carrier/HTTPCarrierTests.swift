import HTTPTypes
import OrderContracts
import Saga
import ShippingService
import Testing

/// What each answer of the carrier means.
@Suite(.timeLimit(.minutes(1)))
struct HTTPCarrierTests {
    @Test func createdIsABooking() async throws {
        let json = #"{"id":"sh_1","trackingNumber":"T1","status":"arranged"}"#
        try await ScriptedCarrier.answering(.created, json) { carrier in
            let found = try await arrange(carrier)
            #expect(found == .success(Shipment(id: "sh_1", trackingNumber: "T1")))
        }
    }

    @Test func refusalsAreBusinessFailures() async throws {
        let json = #"{"code":"country_not_served","detail":"d"}"#
        try await ScriptedCarrier.answering(.init(code: 422), json) { carrier in
            let found = try await arrange(carrier)
            #expect(found == .failure(BusinessFailure("country_not_served", "d")))
        }
    }

    @Test(arguments: [
        (500, "{}"), (503, "{}"), (429, "{}"), (201, "{}"), (201, "x"), (401, "{}"), (404, "{}"),
        (400, #"{"code":"invalid_request"}"#), (409, #"{"code":"shipment_voided"}"#),
        (422, #"{"code":"idempotency_key_reused"}"#), (422, #"{"code":"invalid_json"}"#),
        (422, "x"),
    ])
    func anythingElseLeavesTheOutcomeUnknown(_ status: Int, _ json: String) async throws {
        try await ScriptedCarrier.answering(.init(code: status), json) { carrier in
            await #expect { try await arrange(carrier) } throws: { error in
                (error as? ShippingError)?.retry == true
            }
        }
    }

    @Test func cancellationsTellWhetherThereWasABooking() async throws {
        try await ScriptedCarrier.answering(.created, #"{"id":"c","status":"cancelled"}"#) {
            carrier in
            let found = try await carrier.cancel(shipmentKey: "s", key: "key")
            #expect(found == .cancelled)
        }
        try await ScriptedCarrier.answering(.created, #"{"id":"c","status":"nothing_to_cancel"}"#) {
            carrier in
            let found = try await carrier.cancel(shipmentKey: "s", key: "key")
            #expect(found == .nothingArranged)
        }
    }

    @Test(arguments: [400, 409, 500])
    func nothingElseCountsAsCancelledOrSent(_ status: Int) async throws {
        try await ScriptedCarrier.answering(.init(code: status), #"{"code":"c"}"#) { carrier in
            await #expect(throws: ShippingError.self) {
                try await carrier.cancel(shipmentKey: "s", key: "key")
            }
            await #expect(throws: ShippingError.self) {
                try await carrier.dispatch(shipmentKey: "s", key: "key")
            }
        }
    }

    @Test(arguments: ["pending", "failed", ""])
    func whatIsAcceptedInOtherWordsIsTriedAgain(_ status: String) async throws {
        let json = #"{"id":"c","trackingNumber":"T1","status":"\#(status)"}"#
        try await ScriptedCarrier.answering(.accepted, json) { carrier in
            await #expect(throws: ShippingError.self) { try await arrange(carrier) }
            await #expect(throws: ShippingError.self) {
                try await carrier.cancel(shipmentKey: "s", key: "key")
            }
            await #expect(throws: ShippingError.self) {
                try await carrier.dispatch(shipmentKey: "s", key: "key")
            }
        }
    }

    @Test func dispatchBringsItsName() async throws {
        try await ScriptedCarrier.answering(.created, #"{"id":"di_1","status":"dispatched"}"#) {
            carrier in
            let found = try await carrier.dispatch(shipmentKey: "s", key: "key")
            #expect(found == Dispatch(id: "di_1"))
        }
    }

    private func arrange(_ carrier: HTTPCarrier) async throws -> Result<Shipment, BusinessFailure> {
        let parcel = Parcel(
            reference: OrderID(wellFormed: "o"), productID: ProductID(wellFormed: "p"), quantity: 1,
            address: ShippingAddress(street: "s", city: "c", postcode: "p", country: "NL"))
        return try await carrier.arrange(parcel, key: "key")
    }
}
