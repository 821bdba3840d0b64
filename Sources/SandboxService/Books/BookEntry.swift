import Timekeeping

/// One line of the books: what was asked, and what became of it.
///
/// Never changed once written.
struct BookEntry: Sendable, Hashable {
    enum Status: String, Sendable, CaseIterable {
        case succeeded
        case cardDeclined = "card_declined"
        case insufficientFunds = "insufficient_funds"
        case refunded
        case nothingToRefund = "nothing_to_refund"
        case arranged
        case countryNotServed = "country_not_served"
        case cancelled
        case nothingToCancel = "nothing_to_cancel"
        case dispatched
    }

    struct Sum: Sendable, Hashable {
        var amount: Int
        var currency: String
    }

    /// Its place in the books, counted from 1.
    var number: Int
    var time: Timestamp
    /// The client's idempotency key.
    var key: String
    var request: SandboxRequest
    var status: Status
    /// What the entry is about: the client's reference, taken over from charge and shipment.
    var reference: String
    /// The money that a refund returns.
    var refunded: Sum?

    var id: String { "\(request.kind.idPrefix)_\(number)" }
    var trackingNumber: String { "TRACK-\(1_000_000 + number)" }
}
