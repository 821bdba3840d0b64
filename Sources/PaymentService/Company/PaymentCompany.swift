public import OrderContracts
public import Saga

/// The company that moves the money.
///
/// A key names a call for good: calling again under the same key changes nothing more and brings
/// the same answer. A thrown error means that nobody knows whether the call took effect, unless it
/// says that nothing was sent. Its books list the charges by those keys.
public protocol PaymentCompany: OutsideBooks {
    /// Charges the card behind the token, or says why not.
    ///
    /// - Parameters:
    ///   - reference: what the company shows beside the charge in its books.
    ///   - key: names this charge, for repeating it as well as for refunding it.
    func charge(
        _ amount: Money, token: String, reference: OrderID, key: String
    ) async throws(PaymentError) -> Result<Charge, BusinessFailure>

    /// Returns what was charged under `chargeKey`. If nothing was, nothing can be any more: the
    /// company refuses a later charge of that key.
    func refund(chargeKey: String, key: String) async throws(PaymentError) -> Refund
}

/// Money the payment company took.
public struct Charge: Equatable, Sendable {
    /// The company's name for it.
    public var id: String

    /// A charge.
    public init(id: String) {
        self.id = id
    }
}

/// What a refund found.
public enum Refund: Equatable, Sendable {
    /// The charge was returned.
    case refunded(Money)

    /// Nothing had been charged under the key, and nothing will be.
    case nothingCharged

    /// What came back, if there was anything to return.
    var amount: Money? {
        switch self {
        case .refunded(let amount): amount
        case .nothingCharged: nil
        }
    }
}
