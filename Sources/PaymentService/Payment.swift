public import OrderContracts
public import Saga
public import Timekeeping

/// An order's payment as its service keeps it and shows it.
public struct Payment: Equatable, Sendable {
    /// Where a payment stands.
    public enum Status: String, Sendable {
        /// The money was taken.
        case charged
        /// No money was taken, or it was given back at once.
        case failed
        /// The money was taken and given back.
        case refunded
    }

    /// The order that is paid.
    public var orderID: OrderID
    /// Where the payment stands.
    public var status: Status
    /// What was charged, absent if nothing ever was.
    public var amount: Money?
    /// The payment company's name for the charge.
    public var chargeID: String?
    /// Why it failed.
    public var failure: BusinessFailure?
    /// When it last changed.
    public var updatedAt: Timestamp
}

// MARK: - Its record

extension RecordName {
    /// Names the hash of one of them, `{payment}:payment:<order>`.
    ///
    ///     status updated [amount currency charge] [reason detail]
    static func payment(_ orderID: String) -> RecordName { "payment:\(orderID)" }
}

extension Payment {
    static func charged(_ amount: Money, _ charge: Charge) -> [String: String] {
        [
            "status": Status.charged.rawValue, "amount": String(amount.amount),
            "currency": amount.currency, "charge": charge.id, "updated": now(),
        ]
    }

    static func failed(_ failure: BusinessFailure) -> [String: String] {
        [
            "status": Status.failed.rawValue, "reason": failure.reason, "detail": failure.detail,
            "updated": now(),
        ]
    }

    static var refunded: [String: String] {
        ["status": Status.refunded.rawValue, "updated": now()]
    }

    private static func now() -> String { String(Timestamp.now().milliseconds) }

    /// Reads a record; nil if there is none, an error if it is not one.
    init?(_ orderID: OrderID, fields: [String: String]) throws(PaymentError) {
        guard !fields.isEmpty else { return nil }
        guard let status = fields["status"].flatMap(Status.init(rawValue:)),
            let updated = fields["updated"].flatMap(Int64.init)
        else {
            throw PaymentError(
                .damagedRecord, "The record of the payment for order \(orderID) is damaged.")
        }
        self.orderID = orderID
        self.status = status
        if let amount = fields["amount"].flatMap(Int.init), let currency = fields["currency"] {
            self.amount = Money(amount: amount, currency: currency)
        }
        chargeID = fields["charge"]
        failure = fields["reason"].map { BusinessFailure($0, fields["detail"] ?? "") }
        updatedAt = Timestamp(milliseconds: updated)
    }
}
