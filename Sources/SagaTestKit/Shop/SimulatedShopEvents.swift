import Saga

// What the simulated shop asks about what companies hold.

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
