import Saga

// What a shop says besides that wraps gifts, and ships no downloads.

package struct ShippingSkipped: SkippedEvent {
    package static let owner = "shipping"
    package init() {}
}
package struct GiftWrapped: SagaEvent {
    package static let owner = "inventory"
    package init() {}
}
package struct WrappingFailed: FailureEvent {
    package static let owner = "inventory"
    package var reason: String
    package var detail: String

    package init(reason: String, detail: String = "") {
        self.reason = reason
        self.detail = detail
    }
}
package struct GiftUnwrapped: UndoneEvent {
    package static let owner = "inventory"
    package init() {}
}
package struct WrappingSkipped: SkippedEvent {
    package static let owner = "inventory"
    package init() {}
}
package struct GiftHandedOver: SagaEvent {
    package static let owner = "inventory"
    package init() {}
}
