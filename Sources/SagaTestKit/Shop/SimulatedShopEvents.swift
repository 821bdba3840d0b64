import Saga

// What the simulated shop says besides what `ShopEvents` has: it asks about what companies hold,
// wraps gifts, ships no downloads, and renews subscriptions, which are nothing but paid.

struct PaymentUnclaimed: UnclaimedEvent {
    static let owner = "payment"
    var key: String
    var isFinal: Bool
    var count: Int
}
struct ShipmentUnclaimed: UnclaimedEvent {
    static let owner = "shipping"
    var key: String
    var isFinal: Bool
    var count: Int
}
struct ShippingSkipped: SkippedEvent {
    static let owner = "shipping"
}
struct GiftWrapped: SagaEvent {
    static let owner = "inventory"
}
struct WrappingFailed: FailureEvent {
    static let owner = "inventory"
    var reason: String
    var detail: String
}
struct GiftUnwrapped: UndoneEvent {
    static let owner = "inventory"
}
struct WrappingSkipped: SkippedEvent {
    static let owner = "inventory"
}
struct GiftHandedOver: SagaEvent {
    static let owner = "inventory"
}
struct RenewalAsked: SagaEvent {
    static let owner = "renewal"
}
struct RenewalDone: SagaEvent {
    static let owner = "renewal"
}
struct RenewalCancelled: ReasonEvent {
    static let owner = "renewal"
    var reason: String
    var detail: String
}
struct RenewalWithdrawn: ReasonEvent {
    static let owner = "renewal"
    var reason: String
    var detail: String
}
