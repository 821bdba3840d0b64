import Hummingbird
import JSONText
import Logging
import Observability
import OrderContracts
import Saga
import SagaHTTP
import ServiceHTTP
import Timekeeping

/// The shipping service over HTTP.
///
///     GET /shipments/{orderId}   200 | 404
struct ShipmentRoutes {
    let records: any RecordReader

    func router(logger: Logger) -> ServiceRouter {
        let router = ServiceRouter(
            service: "shipping", logger: logger,
            problem: { Problem($0, reaching: "The shipments") })
        router.get("/shipments/{orderId}") { _, context in
            let orderID = OrderID(wellFormed: try context.pathID("orderId"))
            let fields = try await records.fields(of: .shipment(orderID.text))
            guard let shipment = try ShipmentState(orderID, fields: fields) else {
                throw Problem.notFound("There is no shipment for order \(orderID).")
            }
            return .json { shipment.write(to: &$0) }
        }
        return router
    }
}

extension ShipmentState {
    fileprivate func write(to json: inout JSONWriter) {
        json.set("orderId", orderID.text)
        json.set("status", status.rawValue)
        json.set("shipmentId", shipment?.id)
        json.set("trackingNumber", shipment?.trackingNumber)
        if let failure {
            json.set("failure") { json in
                json.set("reason", failure.reason)
                json.set("detail", failure.detail)
            }
        }
        json.set("updatedAt", updatedAt.description)
    }
}
