/// What a client asks of the payment company or the carrier.
///
/// Equality decides whether a repeated key comes with the same body.
enum SandboxRequest: Sendable, Hashable {
    case charge(amount: Int, currency: String, token: CardToken, reference: String)
    case refund(chargeKey: String, reason: String)
    case shipment(ParcelRequest)
    case cancellation(shipmentKey: String)
    case dispatch(shipmentKey: String)

    /// Each kind has its own keys and its own list.
    enum Kind: String, Sendable, CaseIterable {
        case charge, refund, shipment, cancellation, dispatch

        var idPrefix: String {
            switch self {
            case .charge: "ch"
            case .refund: "re"
            case .shipment: "sh"
            case .cancellation: "ca"
            case .dispatch: "di"
            }
        }
    }

    var kind: Kind {
        switch self {
        case .charge: .charge
        case .refund: .refund
        case .shipment: .shipment
        case .cancellation: .cancellation
        case .dispatch: .dispatch
        }
    }
}

/// The cards that the payment company knows.
enum CardToken: String, Sendable, CaseIterable {
    /// Pays.
    case visa = "tok_visa"
    /// Is declined.
    case declined = "tok_declined"
    /// Has not enough money.
    case insufficientFunds = "tok_insufficient_funds"
    /// Pays, but the answer never comes.
    case timeout = "tok_timeout"
    /// Meets a broken company twice, then pays.
    case flaky = "tok_flaky"
}

/// What the carrier is to bring where.
struct ParcelRequest: Sendable, Hashable {
    struct Address: Sendable, Hashable {
        var street: String
        var city: String
        var postcode: String
        var country: String
    }

    var reference: String
    var productID: String
    var quantity: Int
    var address: Address
}
