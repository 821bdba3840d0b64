/// How an order is paid: a card, known to us only by the payment company's token.
public struct PaymentMethod: Codable, Hashable, Sendable {
    /// `card` is the only method so far.
    public var method: String

    /// The payment company's name for the card.
    public var token: String

    /// A way to pay.
    ///
    /// Nothing is checked: validate what comes from outside at the edge.
    public init(method: String = "card", token: String) {
        self.method = method
        self.token = token
    }
}
