public import OrderContracts
import Saga
public import Timekeeping

/// An order as its service keeps it and shows it.
public struct Order: Equatable, Sendable {
    /// Where an order stands.
    ///
    /// `completed` and `cancelled` are ends.
    public enum Status: String, Sendable {
        /// Accepted; payment, stock and shipment are under way.
        case pending
        /// Past the pivot: it goes through.
        case completed
        /// Being undone.
        case cancelling
        /// Undone.
        case cancelled
    }

    /// Why an order is being, or was, cancelled.
    public struct CancellationReason: Equatable, Sendable {
        /// The reason, as part of the interface.
        public var reason: String
        /// The reason in a sentence.
        public var detail: String

        /// A reason.
        public init(reason: String, detail: String) {
            self.reason = reason
            self.detail = detail
        }
    }

    /// The order's ID, which is its saga's ID.
    public var id: OrderID
    /// Who ordered.
    public var userID: UserID
    /// What was ordered.
    public var productID: ProductID
    /// How many.
    public var quantity: Int
    /// Where it stands.
    public var status: Status
    /// What it costs.
    public var total: Money
    /// When it was accepted.
    public var createdAt: Timestamp
    /// When it last changed.
    public var updatedAt: Timestamp
    /// Why it is cancelled, once it is on the way there.
    public var cancellation: CancellationReason?

    /// Whether nothing changes any more.
    public var hasEnded: Bool { status == .completed || status == .cancelled }
}

// MARK: - Its record

extension RecordName {
    /// Names the hash of one of them, `{order}:order:<id>`.
    ///
    ///     user product quantity status amount currency created updated [reason detail]
    static func order(_ id: String) -> RecordName { "order:\(id)" }

    /// The sorted set of a user's orders by the time they were accepted.
    static func orders(of userID: UserID) -> RecordName { "orders:\(userID)" }

    /// The sorted set of all orders by the time they were accepted.
    static let allOrders: RecordName = "orders"

    /// The string that remembers what a client's key ordered: order and fingerprint.
    static func key(_ key: IdempotencyKey) -> RecordName { "key:\(key.digest)" }
}

extension Order {
    /// The record of an order that begins.
    var fields: [String: String] {
        var fields = [
            "user": userID.text, "product": productID.text, "quantity": String(quantity),
            "status": status.rawValue, "amount": String(total.amount),
            "currency": total.currency, "created": String(createdAt.milliseconds),
            "updated": String(updatedAt.milliseconds),
        ]
        if let cancellation {
            fields["reason"] = cancellation.reason
            fields["detail"] = cancellation.detail
        }
        return fields
    }

    static func becomes(_ status: Status) -> [String: String] {
        ["status": status.rawValue, "updated": String(Timestamp.now().milliseconds)]
    }

    static func becomesCancelling(_ failure: BusinessFailure) -> [String: String] {
        var fields = becomes(.cancelling)
        fields["reason"] = failure.reason
        fields["detail"] = failure.detail
        return fields
    }

    /// Reads a record; nil if there is none, an error if it is not one.
    init?(_ id: OrderID, fields: [String: String]) throws(OrderError) {
        guard !fields.isEmpty else { return nil }
        guard let user = fields["user"].flatMap(UserID.init),
            let product = fields["product"].flatMap(ProductID.init),
            let quantity = fields["quantity"].flatMap(Int.init),
            let status = fields["status"].flatMap(Status.init(rawValue:)),
            let amount = fields["amount"].flatMap(Int.init), let currency = fields["currency"],
            let created = fields["created"].flatMap(Int64.init),
            let updated = fields["updated"].flatMap(Int64.init)
        else { throw OrderError(.damagedRecord, "The record of order \(id) is damaged.") }
        self.init(
            id: id, userID: user, productID: product, quantity: quantity, status: status,
            total: Money(amount: amount, currency: currency),
            createdAt: Timestamp(milliseconds: created),
            updatedAt: Timestamp(milliseconds: updated),
            cancellation: fields["reason"].map { reason in
                CancellationReason(reason: reason, detail: fields["detail"] ?? "")
            })
    }
}
