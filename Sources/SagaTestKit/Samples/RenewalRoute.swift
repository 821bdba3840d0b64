package import Saga

// Renewals of subscriptions, which are nothing but paid: a route beside that of the shop. Both have
// payments in common, what these say, and perhaps IDs.

package struct RenewalAsked: SagaEvent {
    package static let owner = "renewal"
    package init() {}
}
package struct RenewalDone: SagaEvent {
    package static let owner = "renewal"
    package init() {}
}
package struct RenewalCancelled: ReasonEvent {
    package static let owner = "renewal"
    package var reason: String
    package var detail: String

    package init(reason: String, detail: String = "") {
        self.reason = reason
        self.detail = detail
    }
}
package struct RenewalWithdrawn: ReasonEvent {
    package static let owner = "renewal"
    package var reason: String
    package var detail: String

    package init(reason: String, detail: String = "") {
        self.reason = reason
        self.detail = detail
    }
}

/// The route of renewals.
package enum RenewalRoute {
    package static let charge = Leg(
        "charge", by: "payment", on: RenewalAsked.self, emits: PaymentProcessed.self,
        orElse: PaymentFailed.self, undone: PaymentRefunded.self)
    package static let ends = RouteOwner(
        "renewal", begins: RenewalAsked.self, completes: RenewalDone.self,
        on: PaymentProcessed.self, cancelled: RenewalCancelled.self,
        request: RenewalWithdrawn.self)
    package static let route = Route("renewal", owner: ends) { charge }
}
