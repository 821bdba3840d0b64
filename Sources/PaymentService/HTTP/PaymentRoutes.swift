import Hummingbird
import JSONText
import Logging
import Observability
import OrderContracts
import Saga
import SagaHTTP
import ServiceHTTP
import Timekeeping

/// The payment service over HTTP.
///
///     GET /payments/{orderId}   200 | 404
struct PaymentRoutes {
    let records: any RecordReader

    func router(logger: Logger) -> ServiceRouter {
        let router = ServiceRouter(
            service: "payments", logger: logger,
            problem: { Problem($0, reaching: "The payments") })
        router.get("/payments/{orderId}") { _, context in
            let orderID = OrderID(wellFormed: try context.pathID("orderId"))
            let fields = try await records.fields(of: .payment(orderID.text))
            guard let payment = try Payment(orderID, fields: fields) else {
                throw Problem.notFound("There is no payment for order \(orderID).")
            }
            return .json { payment.write(to: &$0) }
        }
        return router
    }
}

extension Payment {
    fileprivate func write(to json: inout JSONWriter) {
        json.set("orderId", orderID.text)
        json.set("status", status.rawValue)
        if let amount {
            json.set("amount") { json in
                json.set("amount", amount.amount)
                json.set("currency", amount.currency)
            }
        }
        json.set("chargeId", chargeID)
        if let failure {
            json.set("failure") { json in
                json.set("reason", failure.reason)
                json.set("detail", failure.detail)
            }
        }
        json.set("updatedAt", updatedAt.description)
    }
}
