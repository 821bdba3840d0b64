import Saga

// The saga of a shop, for whatever is tried on a whole saga: four participants, the last leg of
// which finishes after the pivot, one leg on records alone.

package struct OrderCreated: SagaEvent {
    package static let owner = "order"
    package var card: String
    package var country: String
    package var quantity: Int
    package var isGift: Bool?

    package init(
        card: String = "good", country: String = "DE", quantity: Int = 1, isGift: Bool? = nil
    ) {
        self.card = card
        self.country = country
        self.quantity = quantity
        self.isGift = isGift
    }
}
package struct OrderCompleted: SagaEvent {
    package static let owner = "order"
    package init() {}
}
package struct OrderCancelled: ReasonEvent {
    package static let owner = "order"
    package var reason: String
    package var detail: String

    package init(reason: String, detail: String = "") {
        self.reason = reason
        self.detail = detail
    }
}
package struct OrderCancellationRequested: ReasonEvent {
    package static let owner = "order"
    package var reason: String
    package var detail: String

    package init(reason: String, detail: String = "") {
        self.reason = reason
        self.detail = detail
    }
}
package struct PaymentProcessed: SagaEvent {
    package static let owner = "payment"
    package var country: String
    package var quantity: Int
    package var isGift: Bool?

    package init(country: String = "DE", quantity: Int = 1, isGift: Bool? = nil) {
        self.country = country
        self.quantity = quantity
        self.isGift = isGift
    }
}
package struct PaymentFailed: FailureEvent {
    package static let owner = "payment"
    package var reason: String
    package var detail: String

    package init(reason: String, detail: String = "") {
        self.reason = reason
        self.detail = detail
    }
}
package struct PaymentRefunded: UndoneEvent {
    package static let owner = "payment"
    package init() {}
}
package struct ProductReserved: SagaEvent {
    package static let owner = "inventory"
    package var country: String
    package var isGift: Bool?

    package init(country: String = "DE", isGift: Bool? = nil) {
        self.country = country
        self.isGift = isGift
    }
}
package struct ProductReservationFailed: FailureEvent {
    package static let owner = "inventory"
    package var reason: String
    package var detail: String

    package init(reason: String, detail: String = "") {
        self.reason = reason
        self.detail = detail
    }
}
package struct ProductShipped: SagaEvent {
    package static let owner = "inventory"
    package init() {}
}
package struct ProductReleased: UndoneEvent {
    package static let owner = "inventory"
    package init() {}
}
package struct ShipmentArranged: SagaEvent {
    package static let owner = "shipping"
    package init() {}
}
package struct ShippingFailed: FailureEvent {
    package static let owner = "shipping"
    package var reason: String
    package var detail: String

    package init(reason: String, detail: String = "") {
        self.reason = reason
        self.detail = detail
    }
}
package struct ShipmentCancelled: UndoneEvent {
    package static let owner = "shipping"
    package init() {}
}
package struct ShipmentDispatched: SagaEvent {
    package static let owner = "shipping"
    package init() {}
}
