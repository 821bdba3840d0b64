import OrderContracts
import Saga
import Testing

@testable import ShippingService

@Suite(.timeLimit(.minutes(1)))
struct ShipmentStateTests {
    private let id = OrderID(wellFormed: "o")

    @Test func recordsReadAsTheyWereWritten() throws {
        let shipment = Shipment(id: "sh_1", trackingNumber: "T1")
        var fields = ShipmentState.arranged(shipment)
        #expect(try ShipmentState(id, fields: fields)?.status == .arranged)

        fields.merge(ShipmentState.cancelled) { $1 }
        let cancelled = try ShipmentState(id, fields: fields)
        #expect(cancelled?.status == .cancelled)
        #expect(cancelled?.shipment == shipment)
    }

    @Test func noFieldsAreNoShipmentAndDamagedOnesAnError() throws {
        #expect(try ShipmentState(id, fields: [:]) == nil)
        #expect(throws: ShippingError.self) { try ShipmentState(id, fields: ["status": "lost"]) }
    }
}
