/// An amount in minor units (cents) with its ISO 4217 currency.
///
/// Never a fraction, never a float.
public struct Money: Codable, Hashable, Sendable {
    /// Minor units: 1250 EUR is twelve euros fifty.
    public var amount: Int

    /// Three capital letters, as ISO 4217 writes them.
    public var currency: String

    /// An amount of a currency.
    ///
    /// Nothing is checked: validate what comes from outside at the edge.
    public init(amount: Int, currency: String) {
        self.amount = amount
        self.currency = currency
    }

    /// Whether it is an amount that can be asked for: not below zero, in a currency of three
    /// capital letters.
    public var isWellFormed: Bool {
        amount >= 0 && currency.utf8.count == 3
            && currency.utf8.allSatisfy { (0x41...0x5A).contains($0) }
    }

    private enum CodingKeys: String, CodingKey { case amount, currency }

    /// Decodes an amount that can be asked for; anything else is a decoding error.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        amount = try fields.decode(Int.self, forKey: .amount)
        currency = try fields.decode(String.self, forKey: .currency)
        guard isWellFormed else {
            throw DecodingError.dataCorruptedError(
                forKey: .amount, in: fields,
                debugDescription: "not an amount of 0 or more in a currency of three letters")
        }
    }

    /// The amount times a quantity, or nil if the product does not fit an `Int`.
    public func times(_ quantity: Int) -> Money? {
        let (product, overflow) = amount.multipliedReportingOverflow(by: quantity)
        return overflow ? nil : Money(amount: product, currency: currency)
    }
}
